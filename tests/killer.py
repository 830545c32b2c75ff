"""When a run of real parts kills itself, and the callbacks that do it."""

import os
import signal
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from streetclip.data.photos import Photo, PhotoDataset

KILLED = "killed"
"""A file in the folder of a run that has killed itself, and was not ended by others."""

_PHOTOS_SEEN = 5
"""Photographs that an evaluation has read when it is killed: not the first, not the last."""


@dataclass(frozen=True)
class Kill:
    """When a run kills itself with SIGKILL.

    Args:
        hook: In the order in which they come: `start` (of a batch, after the checkpoint of the step
            before), `optimizer` (between backward and the optimizer's step), `batch` (its end),
            `evaluating` (inside an epoch's evaluation), `evaluated` (after it, before the epoch's
            checkpoint), `epoch` (after that).
        step: Optimizer steps taken.
        rank: Of the process that dies; None kills all.
    """

    hook: str
    step: int
    rank: int | None = 0


def killers(kill: Kill) -> list[pl.Callback]:
    """The callbacks that end their process without a word, as `kill -9` does.

    Args:
        kill: When.

    Returns:
        What goes to the end of a Trainer's callbacks.
    """
    return [_BeforeTheCheckpoint(kill), _AfterTheCheckpoint(kill)]


class _BeforeTheCheckpoint(pl.Callback):
    """Comes before the callbacks that write checkpoints, and after all others."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._kill.hook != "evaluating":
            return
        read, seen = PhotoDataset.__getitem__, count(1)

        def dying(dataset: PhotoDataset, index: int) -> Photo:
            photo = read(dataset, index)
            at_the_step = trainer.global_step == self._kill.step
            if at_the_step and next(seen) == _PHOTOS_SEEN:
                _maybe(self._kill, trainer, "evaluating")
            return photo

        # The process is a forked one and dies of it, or it ends soon; nobody needs the old one.
        mock.patch.object(PhotoDataset, "__getitem__", dying).start()

    def on_before_optimizer_step(self, trainer: pl.Trainer, *_: Any) -> None:
        _maybe(self._kill, trainer, "optimizer")

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        _maybe(self._kill, trainer, "evaluated")


class _AfterTheCheckpoint(Checkpoint):
    """Lightning calls callbacks that are checkpoints last, in their order."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        _maybe(self._kill, trainer, "start")

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        _maybe(self._kill, trainer, "batch")

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        _maybe(self._kill, trainer, "epoch")


def _maybe(kill: Kill, trainer: pl.Trainer, hook: str) -> None:
    is_mine = kill.rank in (None, trainer.global_rank)
    if is_mine and (kill.hook, kill.step) == (hook, trainer.global_step):
        Path(trainer.default_root_dir, KILLED).touch()
        os.kill(os.getpid(), signal.SIGKILL)
