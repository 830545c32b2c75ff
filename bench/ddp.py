"""Question: do two ranks take the step of one, and how often do they talk about it?

The same batch of 16 pairs in fp64: in one process at once, and on two gloo ranks in DDP, each half
of it at once, in cached passes of 4, and in plain passes of 4. Compared are the gradients of all
parameters with those of one process. Counted are the times that DDP averages a parameter in a step,
by a communication hook, and apart from them the gatherings of features.

    python bench/ddp.py

Bars: at once and in cached passes no gradient differs by 1e-12 or more, and that of the logit scale
by 1e-9 or more as a ratio; each parameter is averaged once a step. Plain passes have another
gradient, which is said and not judged. The exit code is 1 where a bar is missed. About ten seconds.
"""

import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from accumulation import step_of, towers
from figures import report
from torch import Tensor
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from streetclip.model import gather
from streetclip.model.accumulate import Step, accumulate_plain
from streetclip.model.averaging import averaging
from streetclip.model.backbone import Backbone
from streetclip.model.cached import accumulate_cached

ROWS, MICRO, WIDTH, RANKS = 16, 4, 64, 2
WAYS = {"at once": None, "cached passes": MICRO, "plain passes": MICRO}


class Messages:
    """torch.distributed as `model/gather.py` sees it, where each message is counted."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        if name in ("all_gather", "all_reduce"):
            self.sent[name] += 1
        return getattr(dist, name)


def own_step(backbone: Backbone, model: DistributedDataParallel, rank: int, way: str) -> Step:
    """This rank's half of the batch; the last backward pass lets DDP average."""
    whole, first = step_of(backbone, ROWS, None), rank * ROWS // RANKS

    def own(part: slice) -> slice:
        return slice(part.start + first, part.stop + first)

    def backward(loss: Tensor, is_last: bool) -> None:
        with averaging(model, now=is_last):
            if is_last:
                # What its forward pass does; here, as under Lightning, the step is not inside one.
                reducer = cast(Any, model.reducer)
                reducer._rebuild_buckets()  # noqa: SLF001 - it has no other name
                reducer.prepare_for_backward([])
            loss.backward()

    return Step(
        rows=ROWS // RANKS,
        micro_batch_size=WAYS[way],
        encode_image=lambda part: whole.encode_image(own(part)),
        encode_text=lambda part: whole.encode_text(own(part)),
        contrast=whole.contrast,
        backward=backward,
    )


def gradients(backbone: Backbone) -> dict[str, Tensor]:
    """A copy of each."""
    return {n: p.grad.clone() for n, p in backbone.named_parameters() if p.grad is not None}


def rank_main(rank: int, folder: str) -> None:
    """Takes a step in each way, and saves gradients and counts."""
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=RANKS)
    messages = Messages()
    vars(gather)["dist"] = messages
    found = {way: one_way(rank, way, messages) for way in WAYS}
    if rank == 0:
        torch.save(found, f"{folder}/found.pt")
    dist.destroy_process_group()


def one_way(rank: int, way: str, messages: Messages) -> dict[str, Any]:
    """One step from the same weights."""
    backbone = towers(WIDTH).double()
    # Small buckets, so that there are some.
    model = DistributedDataParallel(backbone, bucket_cap_mb=4)
    reduced: Counter[int] = Counter()
    buckets: list[int] = []

    def count(_: object, bucket: dist.GradBucket) -> Future[Tensor]:
        buckets.append(bucket.index())
        reduced.update(id(parameter) for parameter in bucket.parameters())
        return allreduce_hook(cast(Any, dist.group.WORLD), bucket)

    model.register_comm_hook(None, count)
    step = own_step(backbone, model, rank, way)
    for _ in range(2):  # DDP cuts its buckets after a first step
        for counted in (messages.sent, reduced, buckets):
            counted.clear()
        backbone.zero_grad()
        if way == "plain passes":
            accumulate_plain(step)
        else:
            accumulate_cached(step, scalars=backbone.scalars)
    return {
        "gradients": gradients(backbone),
        "reduced": sorted({reduced[id(p)] for p in backbone.parameters() if p.requires_grad}),
        "buckets": len(buckets),
        "messages": dict(messages.sent),
    }


def say(way: str, found: dict[str, Any], expected: dict[str, Tensor]) -> bool:
    """Report a way's figures, and return whether its bars hold."""
    ours = found["gradients"]
    largest = max(float((ours[name] - value).abs().max()) for name, value in expected.items())
    scale = abs(float(ours["clip.logit_scale"] / expected["clip.logit_scale"]) - 1)
    judged = way != "plain passes"
    exact = ours.keys() == expected.keys() and largest < 1e-12 and scale < 1e-9
    tell = partial(report, "ddp.py")
    tell(
        f"two ranks {way}: largest difference from one process's gradient; of the scale's ratio",
        f"{largest:.1e}; {scale:.1e}",
        "",
        None,
        "1e-12; 1e-9" if judged else "",
        exact or not judged,
    )
    once = found["reduced"] == [1]
    sent = found["messages"]
    tell(
        f"two ranks {way}: times that each parameter is averaged in a step",
        f"{', '.join(map(str, found['reduced']))} in {found['buckets']} buckets; features apart: "
        f"{sent.get('all_gather', 0)} gathered, {sent.get('all_reduce', 0)} gradients summed",
        "",
        None,
        "once",
        once,
    )
    return once and (exact or not judged)


def main() -> int:
    """Compare; 1 if a bar is missed."""
    torch.set_num_threads(1)
    backbone = towers(WIDTH).double()
    accumulate_plain(step_of(backbone, ROWS, None))
    expected = gradients(backbone)
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(rank_main, (folder,), nprocs=RANKS)  # type: ignore[no-untyped-call]
        found = torch.load(Path(folder) / "found.pt", weights_only=True)
    held = [say(way, found[way], expected) for way in WAYS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
