"""When a run looks at its model: before the first step, after each epoch, and every n steps."""

import time
from typing import Any

import lightning.pytorch as pl
import torch

from streetclip.training.cursor import cursor_of
from streetclip.training.publish import tensorboards


class AtMoments(pl.Callback):
    """Evaluates at the moments of a run, and knows its newest values when the run resumes.

    An evaluation that a checkpoint knows is not repeated; one that was broken off is made then.

    Args:
        every_n_steps: Optimiser steps between evaluations inside an epoch; None makes none.
    """

    def __init__(self, *, every_n_steps: int | None = None) -> None:
        self._every_n_steps = every_n_steps
        self._step = -1
        self._values: dict[str, float] = {}
        self._began = 0.0
        self._spent_s = 0.0

    @property
    def share(self) -> float:
        """Share of the time since training began that went to evaluation."""
        elapsed = time.perf_counter() - self._began
        return self._spent_s / elapsed if elapsed > 0 else 0.0

    def evaluate(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, float]:
        """Look at the model now, on all ranks.

        Args:
            trainer: At one of the moments.
            module: Being trained; it is left as it was.

        Returns:
            Values by the names of the log.
        """
        raise NotImplementedError

    def show(self, trainer: pl.Trainer, *, anew: bool) -> None:
        """Show on rank 0 what was found, or show it again to what forgets it on resume.

        Args:
            trainer: At one of the moments.
            anew: Whether it was found now.
        """

    @property
    def prefix(self) -> str:
        """What stands before the names of the seconds that it takes."""
        return "timing/evaluation"

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluate before the first step, or take up what the checkpoint knows."""
        self._began, self._spent_s = time.perf_counter(), 0.0
        if trainer.global_step == 0 and self._step < 0:
            self._look(trainer, pl_module)
        else:
            self._take_up(trainer)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Evaluate after every n steps; here, because the last step's values are logged by now."""
        step, every = trainer.global_step, self._every_n_steps
        if every and batch_idx > 0 and step % every == 0 and step != self._step:
            self._look(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluate the epoch's weights, before its checkpoint is written."""
        self._look(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """The newest evaluation: after which step, and its values."""
        return {"step": self._step, "values": dict(self._values)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the newest evaluation of the run that is resumed."""
        self._step, self._values = state_dict["step"], dict(state_dict["values"])

    def _look(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        started = time.perf_counter()
        values = self.evaluate(trainer, module)
        self._step, self._values = trainer.global_step, values
        self._notice(trainer)
        if trainer.is_global_zero:
            self.show(trainer, anew=True)
        # The module measures samples per second, and an evaluation belongs to no step.
        module.on_validation_start()
        seconds = time.perf_counter() - started
        self._spent_s += seconds
        timing = {f"{self.prefix}_s": seconds, f"{self.prefix}_share": self.share}
        row = {**self._values, **timing, "epoch": trainer.current_epoch}
        for logger in trainer.loggers:
            logger.log_metrics(row, step=self._step)
            logger.save()

    def _take_up(self, trainer: pl.Trainer) -> None:
        self._notice(trainer)
        if self._step != trainer.global_step or not trainer.is_global_zero:
            return
        # TensorBoard hides on resume what has the checkpoint's step; the CSV files still have it.
        for board in tensorboards(trainer.loggers):
            board.log_metrics(self._values, step=self._step)
        self.show(trainer, anew=False)

    def _notice(self, trainer: pl.Trainer) -> None:
        """Let the best checkpoint, and whoever else monitors a value, see the newest ones."""
        for name, value in self._values.items():
            trainer.callback_metrics[name] = torch.tensor(value, dtype=torch.float64)


def moment_of(trainer: pl.Trainer) -> str:
    """The name of a moment, for folders: ``epoch=EEE``, or ``step=SSSSSS`` inside an epoch.

    Args:
        trainer: At the moment.
    """
    cursor = cursor_of(trainer)
    whole_epochs = cursor.epoch + (cursor.step >= trainer.num_training_batches)
    inside = 0 < cursor.step < trainer.num_training_batches
    return f"step={trainer.global_step:06d}" if inside else f"epoch={whole_epochs:03d}"
