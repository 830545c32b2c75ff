"""Question: how fast is a step on a CUDA device, against open_clip's loop, and is it exact?

For ViT-B-32, ViT-L-14 and ViT-L-14-336 with new weights: pairs a second, share of the device's peak
and peak memory of our step (Trainer, module and options as a run has them, bf16-mixed) as it is,
with gradient checkpointing, with cached accumulation in four passes, and compiled; against the same
model, batch and precision in the form of open_clip's own training loop, in the same process, the
rounds alternating. Then how much of a step is waiting for photographs from shards, and whether a
run that is resumed has the bits of one that is not, also compiled.

    python bench/gpu.py [--models ViT-B-32 ...] [--rows N] [--steps 20] [--rounds 3] [--workers 12]
    python bench/gpu.py --device cpu --small    every line of it on a tiny model, in a minute or two

Bars: our step is at least as fast as the peer's, and no tensor differs after a resume; the exit
code is 1 below them. Speed is no bar on a CPU, nor with cached accumulation, which does more. About
fifteen minutes on one H100 (computed, not measured). Without CUDA it says so and leaves with 0.
"""

import argparse
import logging
import shutil
import statistics
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from figures import report
from gpu_parts.cases import ROWS, TOKENS, Case, backbone_of, batches_of, cases_of, write_small
from gpu_parts.device import forget_peak, pair_flops, peak_gib, peak_tflops
from gpu_parts.exact import differing
from gpu_parts.fed import waited
from gpu_parts.ours import train
from gpu_parts.peer import Peer
from loader import say

BAR = 1.0
NAME = "gpu.py"


@dataclass(frozen=True)
class Setting:
    """How much is measured, and where."""

    device: str
    steps: int
    warm_up: int
    rounds: int
    workers: int

    @property
    def has_bars(self) -> bool:
        """Speed is only judged where it is meant."""
        return self.device == "cuda"


def pairs_a_second(case: Case, setting: Setting, folder: Path) -> tuple[float, float | None]:
    """Of our step, and the memory that it took at most."""
    forget_peak(setting.device)
    batches = batches_of(case, backbone_of(case), setting.warm_up + setting.steps, tokens=TOKENS)
    clock = train(
        case,
        batches,
        device=setting.device,
        steps=setting.steps,
        warm_up=setting.warm_up,
        folder=folder,
    )
    return case.rows * clock.steps / clock.seconds, peak_gib(setting.device)


def peer_pairs_a_second(case: Case, setting: Setting) -> tuple[float, float | None]:
    """The same of open_clip's loop."""
    forget_peak(setting.device)
    steps = setting.warm_up + setting.steps
    batches = batches_of(case, backbone_of(case), steps, tokens=TOKENS)
    peer = Peer(case, device=setting.device, steps=steps)
    spent = peer.train(batches, warm_up=setting.warm_up)
    return case.rows * setting.steps / spent, peak_gib(setting.device)


def measure(case: Case, setting: Setting, folder: Path, *, peak: tuple[float, str]) -> list[str]:
    """Alternate both steps, say the figure, and return the bar that is missed."""
    like = Case(case.model, case.rows, checkpointing=case.checkpointing)
    ours, theirs = [], []
    for _ in range(setting.rounds):
        theirs.append(peer_pairs_a_second(like, setting))
        ours.append(pairs_a_second(case, setting, folder))
    speed = statistics.median(value for value, _ in ours)
    ratio = statistics.median(a / b for (a, _), (b, _) in zip(ours, theirs, strict=True))
    share = speed * pair_flops(case, tokens=TOKENS) / (peak[0] * 1e12)
    ok = ratio >= BAR or not setting.has_bars or case.micro is not None
    report(
        NAME,
        f"pairs a second, {case.words}",
        f"{speed:.1f}, {100 * share:.1f} % of {peak[0]:.3g} TFLOP/s ({peak[1]}){_gib(ours[-1][1])}",
        f"open_clip's loop: {statistics.median(v for v, _ in theirs):.1f}{_gib(theirs[-1][1])}",
        ratio,
        f"{BAR}" if setting.has_bars and case.micro is None else "",
        ok,
    )
    return [] if ok else [f"{case.words}: {ratio:.2f} of the peer's speed, below {BAR}"]


def _gib(value: float | None) -> str:
    return "" if value is None else f", {value:.1f} GiB at most"


def say_wait(case: Case, setting: Setting, folder: Path) -> None:
    """The share of a step in which no batch was there."""
    clock = waited(
        case,
        device=setting.device,
        steps=setting.steps,
        warm_up=setting.warm_up,
        workers=setting.workers,
        folder=folder,
    )
    speed = case.rows * clock.steps / clock.seconds
    what = f"waiting for photographs from shards, {case.words}, {setting.workers} workers"
    share = 100 * clock.waited / clock.seconds
    report(NAME, what, f"{share:.1f} % of {speed:.1f} pairs/s", "", None, "", True)


def say_exact(case: Case, setting: Setting, folder: Path) -> list[str]:
    """Whether a resumed run has the bits of one that was not interrupted."""
    differ, tensors = differing(case, device=setting.device, steps=2, folder=folder)
    what = f"tensors that differ after a resume, {case.words}, {setting.device}, deterministic"
    report(NAME, what, f"{differ} of {tensors}", "", None, "0", differ == 0)
    return [] if differ == 0 else [f"{what}: {differ} of {tensors}"]


def run(models: list[tuple[str, int]], setting: Setting, folder: Path) -> list[str]:
    """All figures of all models; the bars that are missed, in words."""
    can_compile = setting.device == "cuda" or shutil.which("g++") is not None
    peak, problems = peak_tflops(setting.device), list[str]()
    for model, rows in models:
        for case in cases_of(model, rows, can_compile=can_compile):
            problems += measure(case, setting, folder, peak=peak)
    model, rows = models[0]
    say_wait(Case(model, rows), setting, folder)
    small = min(rows, 32)
    for compiled in [False, True] if can_compile else [False]:
        case = Case(model, small, compile=compiled, micro=small // 2)
        problems += say_exact(case, setting, folder)
    return problems


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", nargs="+", default=list(ROWS))
    parser.add_argument("--rows", type=int, help="pairs in a step; by the model if not given")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--small", action="store_true", help="a tiny model and two steps")
    return parser.parse_args()


def main() -> int:
    """Measure what the arguments name; 1 if a bar is missed."""
    arguments = _arguments()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("gpu.py: skipped, as there is no CUDA device; --device cpu --small tries its code")
        return 0
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning|torch")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.small:
            models = [(write_small(folder), arguments.rows or 8)]
            setting = Setting(arguments.device, steps=2, warm_up=1, rounds=1, workers=0)
        else:
            models = [(name, arguments.rows or ROWS.get(name, 64)) for name in arguments.models]
            setting = Setting(
                arguments.device,
                steps=arguments.steps,
                warm_up=arguments.warm_up,
                rounds=arguments.rounds,
                workers=arguments.workers,
            )
        return say(run(models, setting, folder))


if __name__ == "__main__":
    sys.exit(main())
