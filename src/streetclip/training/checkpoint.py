"""Which checkpoints a run writes, and when."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol, runtime_checkable

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.trainer.states import TrainerFn

from streetclip.data.side_channel import SideChannel
from streetclip.errors import CheckpointError, Preempted
from streetclip.training.checkpoint_io import (
    BEST_NAME,
    RUN_KEY,
    checkpoint_name,
)
from streetclip.training.cursor import cursor_of
from streetclip.training.retention import keep_as, prune, set_newer_aside
from streetclip.training.signals import StopSignals

_log = logging.getLogger(__name__)


@runtime_checkable
class RowLog(Protocol):
    """A file of rows that a resumed run cuts back to where its checkpoint was written."""

    @property
    def name(self) -> str:
        """Of the file."""

    @property
    def rows(self) -> int:
        """Rows so far."""

    def cut(self, rows: int) -> None:
        """Keep the first so many rows."""

    def sync(self) -> None:
        """Bring the rows to the disk."""


class RunCheckpoint(Checkpoint):
    """Writes checkpoints inside and at the end of epochs, and cuts the logs back on resume.

    A checkpoint after optimiser step n is written when the next batch of the same epoch is about to
    start, because Lightning logs a step's values after its last hook: so a checkpoint never knows
    less than the logs, and never more. An epoch's own checkpoint is written after the evaluation.
    A run that is asked to leave saves at the next such moment, or between two batches of an
    evaluation, which is then made again; all ranks leave together, whichever was asked.

    Args:
        folder: The `checkpoints` folder of the run.
        every_n_steps: Optimiser steps between two checkpoints inside an epoch.
        every_n_minutes: Minutes after which a checkpoint is due besides; None goes by steps alone.
        keep: Newest checkpoints kept.
        monitor: A logged name; the epoch's checkpoint with its best value stays as `best.ckpt`.
        mode: `max` or `min` of the monitored value is best.
        logs: Files of rows to cut back on resume; only rank 0 touches them.
        facts: What the checkpoint says about its run, plain values (fingerprint, countries, towns,
            ema_decay).
        signals: What asks the run to leave; None is never asked.
    """

    def __init__(
        self,
        folder: Path,
        *,
        every_n_steps: int,
        every_n_minutes: float | None = None,
        keep: int = 2,
        monitor: str | None = None,
        mode: str = "max",
        logs: Sequence[RowLog] = (),
        facts: Mapping[str, Any] | None = None,
        signals: StopSignals | None = None,
    ) -> None:
        self._folder = folder
        self._every_n_steps = every_n_steps
        self._every_s = math.inf if every_n_minutes is None else 60 * every_n_minutes
        self._signals = signals
        self._ranks = SideChannel()
        self._keep = keep
        self._monitor = monitor
        self._sign = 1.0 if mode == "max" else -1.0
        self._logs = list(logs)
        self._facts = dict(facts or {})
        self._saved_step = -1
        self._saved_at_s = time.monotonic()
        self._loaded = False
        self._is_first = False
        self._best: dict[str, Any] = {}
        self._value: float | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Only note signals from now on, and keep Lightning from listening for them too."""
        if self._signals is not None:
            self._signals.wait()
            # Lightning 2.6.6 talks to the other ranks from within its handler, which hangs where
            # they did not get the signal, and saves in the middle of a step under SLURM.
            connector = trainer._signal_connector  # noqa: SLF001 - it offers no other way
            connector.register_signal_handlers = _nothing  # type: ignore[method-assign] # as above

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin empty where a run was killed before its first checkpoint and starts anew."""
        if trainer.is_global_zero and not self._loaded:
            set_newer_aside(self._folder, step=0)
            for log in self._logs:
                log.cut(0)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Refuse a misspelt evaluation value now, not after the first epoch."""
        self._saved_at_s = time.monotonic()
        if self._monitor is not None and self._monitor.startswith("zeroshot/"):
            self._monitored(trainer)
        if trainer.is_global_zero and self._folder.is_dir():
            for part in self._folder.glob(".*.part"):
                part.unlink()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save after every n optimiser steps or minutes, but not at the start of an epoch."""
        is_late = self._leave_or_is_late(trainer)
        step = trainer.global_step
        is_due = is_late or step % self._every_n_steps == 0
        if batch_idx > 0 and is_due and step != self._saved_step:
            self.save(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the epoch's own checkpoint, and keep it as the best if it is."""
        name = self._name(trainer)
        best = self._is_best(trainer, name)
        self.save(trainer)
        if best and trainer.is_global_zero:
            keep_as(self._folder / self._best["file"], self._folder / BEST_NAME)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Save where the run was asked to leave while it waited for photographs.

        The other ranks have come to the same agreement before the batch that is waited for, or
        between the same passes of an evaluation.
        """
        if self._signals is not None and self._signals.broken_off is not None:
            try:
                if self._signals.broken_off == "batch":
                    # The others tell of bad photographs in theirs first.
                    trainer.datamodule.on_before_batch_transfer({"bad": ()}, 0)  # type: ignore[attr-defined] # as cursor_of
                self._leave_or_is_late(trainer)
            except Preempted as left:
                if not isinstance(exception, Preempted):
                    raise
                exception.args = left.args

    def leave_if_asked(self, trainer: pl.Trainer) -> None:
        """Save and leave if any rank was asked to; all ranks must call it at the same moment.

        Raises:
            Preempted: On all ranks, once the checkpoint is on the disk.
        """
        self._leave_or_is_late(trainer)

    def save(self, trainer: pl.Trainer) -> Path:
        """Write a checkpoint of this moment, on all ranks together, and delete those too old.

        Returns:
            The file.
        """
        path = self._folder / self._name(trainer)
        value = trainer.callback_metrics.get(self._monitor or "")
        self._value = None if value is None else float(value)
        if trainer.is_global_zero:
            for log in self._logs:
                log.sync()
        self._saved_step, self._saved_at_s = trainer.global_step, time.monotonic()
        # Here the word means leaving out optimizer and loops; loading is another matter.
        trainer.save_checkpoint(path, weights_only=False)
        if trainer.is_global_zero:
            prune(self._folder, keep=self._keep)
        _log.info("checkpoint: %s", path)
        return path

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the run's facts and the logs' lengths."""
        checkpoint[RUN_KEY] = {**self._facts, "logs": {log.name: log.rows for log in self._logs}}

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Cut the logs back to the checkpoint, so that no row stands twice."""
        self._is_first = trainer.is_global_zero
        if trainer.state.fn != TrainerFn.FITTING:
            return
        self._saved_step = checkpoint["global_step"]
        self._loaded = True
        if not trainer.is_global_zero:
            return
        set_newer_aside(self._folder, step=self._saved_step)
        rows = checkpoint.get(RUN_KEY, {}).get("logs", {})
        for log in self._logs:
            had, kept = log.rows, rows.get(log.name, 0)
            log.cut(kept)
            if had < kept:
                _log.warning("%s has %d rows, the checkpoint knew %d", log.name, had, kept)

    def state_dict(self) -> dict[str, Any]:
        """The best value so far, the checkpoint that has it, and the newest value."""
        return {"best": dict(self._best), "value": self._value}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Remember the best value so far; link its file again if a kill came before the link."""
        self._best, self._value = dict(state_dict["best"]), state_dict["value"]
        # Here and not at the start of training, which a run that has all its steps does not reach.
        if self._is_first:
            self._saved_best()

    def _leave_or_is_late(self, trainer: pl.Trainer) -> bool:
        """Whether a checkpoint is due by the clock, which is that of rank 0 for all."""
        asked = self._signals.received if self._signals is not None else None
        is_late = trainer.is_global_zero and time.monotonic() - self._saved_at_s >= self._every_s
        anyone, late = self._ranks.total(int(asked is not None), int(is_late))
        if anyone:
            self._leave(
                trainer, [name for name in self._ranks.gather(asked and asked.name) if name]
            )
        return late > 0

    def _leave(self, trainer: pl.Trainer, names: Sequence[str]) -> NoReturn:
        if self._saved_step != trainer.global_step:
            self.save(trainer)
        raise Preempted(
            f"left after step {trainer.global_step} as {' and '.join(sorted(set(names)))} asked; "
            f"saved in {self._folder}; `--resume auto` (make: RESUME=auto) continues"
        )

    def _saved_best(self) -> None:
        best, source = self._folder / BEST_NAME, self._folder / str(self._best.get("file"))
        if source.is_file() and not (best.is_file() and best.samefile(source)):
            keep_as(self._folder / self._best["file"], self._folder / BEST_NAME)

    def _name(self, trainer: pl.Trainer) -> str:
        return checkpoint_name(cursor_of(trainer).epoch, trainer.global_step)

    def _is_best(self, trainer: pl.Trainer, name: str) -> bool:
        """Whether this moment is the best so far; decided before the save, whose state holds it."""
        if self._monitor is None:
            return False
        value = self._monitored(trainer)
        best = self._best.get("value")
        if math.isnan(value) or (best is not None and self._sign * value <= self._sign * best):
            return False
        self._best = {"name": self._monitor, "value": value, "file": name}
        return True

    def _monitored(self, trainer: pl.Trainer) -> float:
        logged = trainer.callback_metrics
        if self._monitor not in logged and self._value is not None:
            return self._value  # of the batch after which the run was asked to leave
        if self._monitor not in logged:
            raise CheckpointError(
                f"checkpoint.monitor={self._monitor} is not logged",
                allowed=", ".join(sorted(logged)),
                remedy="checkpoint.monitor=null keeps no best checkpoint",
            )
        return float(logged[self._monitor])


def _nothing() -> None:
    """Instead of Lightning's own signal handlers."""
