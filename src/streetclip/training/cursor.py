"""The cursor: which batch the run takes next, kept in step with Lightning's own counters."""

from typing import Any

import lightning.pytorch as pl

from streetclip.data.dataset import Cursor
from streetclip.errors import PlanError
from streetclip.training.loops import set_position


class CursorCallback(pl.Callback):
    """Advances `datamodule.cursor` after each batch, and stops a run that has lost its place.

    The batch itself says which (epoch, step) it is; the cursor says which was due; Lightning
    counts both. If any two disagree, samples were lost or repeated, and the run ends. Every
    checkpoint, whoever writes it, gets the cursor's position into Lightning's counters.

    It comes after whatever evaluates at an epoch's end, and before whatever saves there: until
    then the epoch is not over.
    """

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Compare the four counts and move on by one batch.

        Raises:
            PlanError: Batch, cursor, batch index and epoch do not agree.
        """
        due = cursor_of(trainer)
        taken, counted = (batch["epoch"], batch["step"]), (trainer.current_epoch, batch_idx)
        if not (taken == (due.epoch, due.step) == counted):
            raise PlanError(
                "the run has lost its place in the plan",
                got=f"batch (epoch, step) {taken}, cursor {(due.epoch, due.step)}, "
                f"trainer {counted}",
                remedy="resume from the newest checkpoint; if it happens again, report it",
            )
        # In place: the sampler reads the same cursor when the next epoch begins. Where a limit
        # ends the epoch early, what it leaves out is not due either.
        due.step += 1
        if due.step >= trainer.num_training_batches:
            due.step = max(due.step, trainer.datamodule.steps_per_epoch)  # type: ignore[attr-defined] # as cursor_of

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move into the next epoch, unless a limit on steps has ended the run inside this one."""
        due = cursor_of(trainer)
        if due.step >= trainer.num_training_batches:
            due.epoch, due.step = due.epoch + 1, 0

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write the position into the counters."""
        due, steps = cursor_of(trainer), int(trainer.num_training_batches)
        set_position(checkpoint, due.epoch, due.step, steps=steps)


def cursor_of(trainer: pl.Trainer) -> Cursor:
    """The cursor of the run's datamodule: which batch comes next.

    Raises:
        PlanError: The datamodule has none, so that nothing can be resumed.
    """
    datamodule: Any = trainer.datamodule  # type: ignore[attr-defined] # set by the data connector
    cursor = getattr(datamodule, "cursor", None)
    if not isinstance(cursor, Cursor):
        raise PlanError("the datamodule has no cursor", got=type(datamodule).__name__)
    return cursor
