"""A run that is asked to leave by a signal, at a moment of its own."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import lightning.pytorch as pl

from streetclip.evaluation import photographs

LEFT = 85
"""The exit code of a run that was asked to leave, and has saved."""

ASKED = "asked"
"""With the rank behind it, a file in the folder of a run: when that rank was sent the signal."""


@dataclass
class Ask(pl.Callback):
    """Sends its own process a signal, once.

    Args:
        number: The signal.
        hook: `train_start`, `batch_start`, `batch_end`, or `evaluation` (between its passes).
        step: Optimizer steps taken by then.
        ranks: Which processes are asked.
    """

    number: signal.Signals
    hook: str
    step: int
    ranks: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        assert self.hook in ("train_start", "batch_start", "batch_end", "evaluation"), self.hook

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self.hook != "evaluation":
            return
        collate = photographs._collate

        def asking(photos: Any) -> Any:
            self._maybe(trainer, "evaluation")
            return collate(photos)

        # The process is a forked one and leaves.
        mock.patch.object(photographs, "_collate", asking).start()

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "train_start")

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "batch_start")

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "batch_end")

    def _maybe(self, trainer: pl.Trainer, hook: str) -> None:
        is_mine = trainer.global_rank in self.ranks
        if is_mine and (hook, trainer.global_step) == (self.hook, self.step):
            self.step = -1
            asked = Path(trainer.default_root_dir, f"{ASKED}{trainer.global_rank}")
            asked.write_text(str(time.monotonic()))
            os.kill(os.getpid(), self.number)
