"""A short fit on any number of ranks, started by test_two_ranks.py; each rank saves what it saw.

Usage: fit_ranks.py CONFIG OUT
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset

from streetclip.model import gather
from streetclip.model.accumulate import Mode
from streetclip.model.backbone import Backbone, create_backbone
from streetclip.model.gather import rank_and_world
from streetclip.model.module import StreetclipModule

ROWS = 8
CAPTIONS = [f"a street in town number {row}" for row in range(ROWS - 2)] + ["Peru", "Peru"]


def whole_batch(backbone: Backbone, step: int) -> dict[str, Any]:
    """The global batch of a step; the last step has one photograph that is not a number."""
    generator = torch.Generator().manual_seed(step)
    image = torch.rand(ROWS, 3, 32, 32, generator=generator)
    if step == 2:
        image[-1] = float("nan")
    return {
        "image": image,
        "tokens": backbone.tokenize(CAPTIONS),
        "caption_id": torch.tensor([0, 1, 2, 3, 4, 5, 6, 6]),
        "keys": [f"{step}_{row}" for row in range(ROWS)],
        "epoch": 0,
        "step": step,
    }


class RankBatches(Dataset[dict[str, Any]]):
    """This rank's rows of three steps."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone

    def __len__(self) -> int:
        return 3

    def __getitem__(self, step: int) -> dict[str, Any]:
        rank, world = rank_and_world()
        own = slice(rank * ROWS // world, (rank + 1) * ROWS // world)
        batch = whole_batch(self.backbone, step)
        return {key: v if isinstance(v, int) else v[own] for key, v in batch.items()}


class Messages:
    """torch.distributed as `model/gather.py` sees it, where each message is counted."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        if name in ("all_gather", "all_reduce"):
            self.sent[name] += 1
        return getattr(dist, name)


class Record(Callback):
    """Gradients, weights, logged values and messages of each step."""

    def __init__(self, messages: Messages) -> None:
        self.steps: list[dict[str, Any]] = []
        self.messages = messages
        self.reduced: Counter[int] = Counter()
        self.buckets = 0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Counts what DDP averages, which it still does."""
        model = cast(DistributedDataParallel, trainer.strategy.model)
        model.register_comm_hook(None, self._reduce)

    def on_train_batch_start(self, *_: Any) -> None:
        """Counts begin anew."""
        self.messages.sent.clear()
        self.reduced.clear()
        self.buckets = 0

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        """Keeps copies, as the next step overwrites all of them."""
        parameters = dict(pl_module.backbone.named_parameters())
        logged = {k: float(v) for k, v in trainer.callback_metrics.items() if "timing" not in k}
        self.steps.append(
            {
                "gradients": {
                    n: p.grad.clone() for n, p in parameters.items() if p.grad is not None
                },
                "weights": {name: p.detach().clone() for name, p in parameters.items()},
                "logged": logged,
                "global_step": trainer.global_step,
                "messages": dict(self.messages.sent),
                "reduced": {name: self.reduced[id(p)] for name, p in parameters.items()},
                "buckets": self.buckets,
            }
        )

    def _reduce(
        self,
        _: object,
        bucket: dist.GradBucket,  # type: ignore[name-defined]  # DDP asks for this name
    ) -> Future[torch.Tensor]:
        self.buckets += 1
        self.reduced.update(id(parameter) for parameter in bucket.parameters())
        return allreduce_hook(cast(Any, dist.group.WORLD), bucket)


def fit(config: str, micro_batch_size: int | None, mode: Mode) -> list[dict[str, Any]]:
    """Trains three steps in fp64 from the same weights."""
    backbone = create_backbone(config, seed=7).double()
    module = StreetclipModule(
        backbone,
        lr=1e-3,
        eps=1e-3,
        clip_norm=None,
        micro_batch_size=micro_batch_size,
        accumulate=mode,
    )
    messages = Messages()
    vars(gather)["dist"] = messages
    record = Record(messages)
    trainer = Trainer(
        accelerator="cpu",
        strategy="ddp",
        devices=2,
        max_epochs=1,
        callbacks=[record],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, DataLoader(RankBatches(backbone), batch_size=None))
    return record.steps


def main(config: str, out: Path) -> None:
    """Saves what this rank saw with all rows at once, and with passes of two rows."""
    seen = {
        "whole": fit(config, None, "cached"),
        "cached": fit(config, 2, "cached"),
        "plain": fit(config, 2, "plain"),
    }
    torch.save(seen, out / f"rank{rank_and_world()[0]}.pt")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
