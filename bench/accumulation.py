"""Question: what does cached accumulation cost, and how much memory does it save?

A batch of 12 passes of 32 pairs, by the same towers (transformers of width 128 and 4 layers, 64 px)
in three ways, in turn: all at once, in plain passes (31 negatives each), and in cached passes (383
negatives, the gradient of the whole batch). CPU time of a step without the optimizer, medians over
the rounds of several processes, one after the other, since what the memory of a whole batch costs
(page faults, a fifth of its time) differs from process to process; then the activations that one
pass and the whole batch keep for their backward pass, each storage counted once and parameters not;
then the gradient of a smaller batch in fp64.

    python bench/accumulation.py [--passes 12] [--rows 32] [--width 128] [--rounds 3]
                                 [--processes 5]

Bars: at most 1.45 times the CPU time of plain passes and 1.08 times that of the whole batch;
activations of a pass at most 1.3 times its share of the batch's; every gradient within 1e-12, and
that of the logit scale within 1e-9 of 1 as a ratio, in fp64. The exit code is 1 where one is
missed. Three minutes on one core.
"""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import torch
from figures import report
from torch import Tensor

from streetclip.model.accumulate import Step, accumulate_plain
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.cached import accumulate_cached
from streetclip.model.loss import ClipLoss, Contrast
from streetclip.model.spec import spec_of

MOST_OF_PLAIN, MOST_OF_WHOLE, MOST_OF_SHARE = 1.45, 1.08, 1.3


def towers(width: int) -> Backbone:
    """Two transformers of four layers."""
    vision = {"image_size": 64, "patch_size": 8, "layers": 4, "width": width, "head_width": 32}
    text = {"context_length": 40, "layers": 4, "width": width, "heads": width // 32}
    config: dict[str, Any] = {"embed_dim": width, "vision_cfg": vision, "text_cfg": text}
    return rebuild_backbone(spec_of("bench", config), seed=1)


def step_of(backbone: Backbone, rows: int, micro: int | None) -> Step:
    """A batch of noise with captions of 24 tokens, and an ordinary backward pass."""
    generator = torch.Generator().manual_seed(2)
    image = torch.rand(rows, 3, 64, 64, generator=generator)
    tokens = torch.randint(1, 40_000, (rows, 24), generator=generator)
    tokens[:, -1] = 49_407
    loss = ClipLoss()

    def contrast(image_features: Tensor, text_features: Tensor, part: slice) -> Contrast:
        result: Contrast = loss(image_features, text_features, backbone.logit_scale)
        return result

    return Step(
        rows=rows,
        micro_batch_size=micro,
        encode_image=lambda part: backbone.encode_image(image[part]),
        encode_text=lambda part: backbone.encode_text(tokens[part]),
        contrast=contrast,
        backward=lambda loss, _: torch.autograd.backward(loss),
    )


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def kept_bytes(backbone: Backbone, step: Step, part: slice) -> int:
    """Bytes that the passes of some rows keep for their backward pass, besides parameters."""
    own = {parameter.untyped_storage().data_ptr() for parameter in backbone.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        features = step.encode_image(part), step.encode_text(part)
        # The graph must live on while its storages are counted, or an address serves twice.
        total = sum(kept.values())
    del features
    return total


def seconds(width: int, rows: int, micro: int, rounds: int) -> dict[str, list[float]]:
    """CPU time of each way, round by round, in a process that has done nothing else."""
    torch.set_num_threads(1)
    backbone = towers(width)
    whole, parts = step_of(backbone, rows, None), step_of(backbone, rows, micro)
    ways: dict[str, Callable[[], object]] = {
        "whole": partial(accumulate_plain, whole),
        "plain": partial(accumulate_plain, parts),
        "cached": partial(accumulate_cached, parts, scalars=backbone.scalars),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, work in ways.items():
            backbone.zero_grad()
            once = cpu_seconds(work)
            if number:  # the first round warms up
                spent[name].append(once)
    return spent


def costs(width: int, rows: int, micro: int, rounds: int, processes: int) -> dict[str, float]:
    """Median CPU time of each way, over all rounds of all processes."""
    spent: dict[str, list[float]] = defaultdict(list)
    for _ in range(processes):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            found = apart.submit(seconds, width, rows, micro, rounds).result()
        for name, values in found.items():
            spent[name] += values
    return {name: statistics.median(values) for name, values in spent.items()}


def differences(width: int, rows: int, micro: int) -> tuple[float, float]:
    """In fp64: the largest difference of a gradient, and how far the scale's ratio is from 1."""
    backbone = towers(width).double()
    accumulate_plain(step_of(backbone, rows, None))
    whole = {n: p.grad.clone() for n, p in backbone.named_parameters() if p.grad is not None}
    backbone.zero_grad()
    accumulate_cached(step_of(backbone, rows, micro), scalars=backbone.scalars)
    cached = {n: p.grad for n, p in backbone.named_parameters() if p.grad is not None}
    largest = max(float((cached[name] - value).abs().max()) for name, value in whole.items())
    ratio = cached["clip.logit_scale"] / whole["clip.logit_scale"]
    return largest, abs(float(ratio) - 1)


def report_all(passes: int, rows: int, width: int, cost: Mapping[str, float]) -> bool:
    """Measure the rest, say every figure, and return whether all bars hold."""
    backbone, all_rows = towers(width), passes * rows
    of_plain, of_whole = cost["cached"] / cost["plain"], cost["cached"] / cost["whole"]
    step = step_of(backbone, all_rows, rows)
    one = kept_bytes(backbone, step, slice(0, rows))
    full = kept_bytes(backbone, step, slice(0, all_rows))
    of_share = one * passes / full
    gradient, scale = differences(64, 4 * 8, 8)
    what = f"cached step of {passes} x {rows} pairs, s of CPU"
    held = [of_plain <= MOST_OF_PLAIN, of_whole <= MOST_OF_WHOLE, of_share <= MOST_OF_SHARE]
    exact = gradient < 1e-12 and scale < 1e-9
    say = partial(report, "accumulation.py")
    ours = f"{cost['cached']:.2f}"
    say(what, ours, f"plain passes: {cost['plain']:.2f}", of_plain, "at most 1.45", held[0])
    say(what, ours, f"all at once: {cost['whole']:.2f}", of_whole, "at most 1.08", held[1])
    say(
        "activations that a pass keeps, MB",
        f"{one / 1e6:.1f}",
        f"its share of {full / 1e6:.0f}",
        of_share,
        "at most 1.3",
        held[2],
    )
    say(
        "largest difference of a gradient from the whole batch's, fp64; of the logit scale's ratio",
        f"{gradient:.1e}; {scale:.1e}",
        "",
        None,
        "1e-12; 1e-9",
        exact,
    )
    return all(held) and exact


def main() -> int:
    """Compare; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--passes", type=int, default=12)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    passes, rows, width = chosen.passes, chosen.rows, chosen.width
    cost = costs(width, passes * rows, rows, chosen.rounds, chosen.processes)
    return 0 if report_all(passes, rows, width, cost) else 1


if __name__ == "__main__":
    sys.exit(main())
