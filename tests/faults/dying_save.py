"""A save that ends, or fails, at the n-th thing that it does to the disk."""

import errno
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

import lightning.pytorch as pl
import torch
from tests.faults.disturbed import finish
from tests.forkedrun import TinyRun

from streetclip.training.checkpoint import RunCheckpoint

CALLS = ("fsync", "replace", "link", "unlink")
"""Of `os`, by which a save becomes durable; writes of `torch.save` count besides."""

_HOOKS = ("on_train_batch_start", "on_train_epoch_end")
_SPREAD = 5
"""Of the many writes of a save, so many are chosen."""


@dataclass(frozen=True)
class Moment:
    """Where in a save something happens.

    Args:
        step: Optimizer steps taken when it begins.
        call: Of its calls, from 0; None lets all of them be.
        how: The process dies `before` or `after` the call (of a write: when half of it is done), or
            the call fails with an `error`.
    """

    step: int
    call: int | None = None
    how: str = "before"


@dataclass
class DyingSave(pl.Callback):
    """Disturbs a save of the run's checkpoint callback.

    Args:
        moment: Where.
        listed: A file for the names of the save's calls, or None.
        names: Of those so far.
    """

    moment: Moment
    listed: Path | None = None
    names: list[str] = field(default_factory=list)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From now on saves are watched; the process is a forked one, so nobody minds."""
        for hook in _HOOKS:
            watched = self._watched(getattr(RunCheckpoint, hook))
            mock.patch.object(RunCheckpoint, hook, watched).start()

    def _watched(self, save: Callable[..., None]) -> Callable[..., None]:
        def watched(checkpoint: RunCheckpoint, trainer: pl.Trainer, *rest: Any) -> None:
            if trainer.global_step != self.moment.step or self.names:
                return save(checkpoint, trainer, *rest)
            with ExitStack() as stack:
                for name in CALLS:
                    patch = mock.patch.object(os, name, self._counted(name, getattr(os, name)))
                    stack.enter_context(patch)
                stack.enter_context(mock.patch.object(torch, "save", self._saved(torch.save)))
                save(checkpoint, trainer, *rest)
            if self.listed is not None:
                self.listed.write_text("\n".join(self.names))
            return None

        return watched

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            is_mine = self._is_mine(name)
            if is_mine:
                self._act("before")
            try:
                return call(*arguments, **options)
            finally:
                if is_mine:
                    self._act("after")

        return counted

    def _saved(self, save: Callable[..., None]) -> Callable[..., None]:
        return lambda value, file: save(value, _Writer(file, self))

    def _is_mine(self, name: str) -> bool:
        self.names.append(name)
        return len(self.names) - 1 == self.moment.call

    def _act(self, where: str) -> None:
        if where == "before" and self.moment.how == "error":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if where == self.moment.how:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class _Writer:
    """The file that `torch.save` writes to."""

    file: BinaryIO
    save: DyingSave

    def write(self, data: Any) -> int:
        if self.save._is_mine("write"):
            self.file.write(memoryview(data)[: len(data) // 2])
            self.file.flush()
            self.save._act("before")
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def moments_of_a_save(whole: TinyRun, step: int, folder: Path) -> list[Moment]:
    """Every moment of a save: around each call, and inside some of its many writes.

    Args:
        whole: The run.
        step: Optimizer steps taken when it saves.
        folder: For a run that lists the calls.
    """
    listed = folder / "calls.txt"
    listing = DyingSave(Moment(step), listed)
    finish(replace(whole, folder=folder / "run", callbacks=(listing,)))
    names = listed.read_text().split("\n")
    writes = [number for number, name in enumerate(names) if name == "write"]
    chosen = {writes[place * (len(writes) - 1) // (_SPREAD - 1)] for place in range(_SPREAD)}
    return [
        Moment(step, number, how)
        for number, name in enumerate(names)
        for how in ("before", "after", "error")
        if name != "write" or (number in chosen and how != "after")
    ]
