"""What Lightning asks the device for after each step, asked less often or not at all.

A device that is asked for a number finishes its queue first, and then waits until the host has
filled it again.
"""

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import RichProgressBar


class LossBar(RichProgressBar):
    """A progress bar with the loss of the newest step that was logged.

    Lightning fetches each value that is logged with `prog_bar` in every step; those of a logged
    step have been fetched already.
    """

    def __init__(self) -> None:
        super().__init__(leave=True)
        self._loss: float | None = None

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """Lightning's own values, and the loss."""
        if trainer._logger_connector.should_update_logs:  # noqa: SLF001 - it has no other name
            loss = trainer.callback_metrics.get("train/loss")
            self._loss = self._loss if loss is None else float(loss)
        values: dict[str, Any] = super().get_metrics(trainer, pl_module)
        return values if self._loss is None else {**values, "train/loss": self._loss}


def leave_signals_to_us(trainer: pl.Trainer) -> None:
    """Lightning 2.6.6 sends SIGTERM to all ranks over the device and waits for it, in each step.

    Ours travels over the side channel, and Lightning's handler is not even installed beside it.

    Args:
        trainer: Of a run that listens to `StopSignals`; changed in place.
    """
    loop: Any = trainer.fit_loop.epoch_loop
    loop._broadcast_sigterm_tensor = _say_nothing  # noqa: SLF001 - there is no option for it


def _say_nothing() -> None:
    """In place of a broadcast; a function of a module, so that the loop can be pickled."""
