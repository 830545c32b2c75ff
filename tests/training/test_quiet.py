"""The bar shows the loss though Lightning fetches none, and no signal travels by the device."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringModel

from streetclip.training.quiet import LossBar, leave_signals_to_us


class Logged(BoringModel):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.log("train/loss", torch.tensor(batch_idx + 0.5))
        return super().training_step(batch, batch_idx)


class Looking(LossBar):
    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        values = super().get_metrics(trainer, pl_module)
        self.losses += [values["train/loss"]] if "train/loss" in values else []
        return values


def _trainer(folder: Path, *callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        callbacks=list(callbacks),
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_model_summary=False,
        limit_val_batches=0,
        logger=False,
        max_epochs=1,
        **options,
    )


@pytest.mark.parametrize(("every", "seen"), [(1, {0.5, 1.5, 2.5, 3.5}), (2, {1.5, 3.5})])
def test_the_bar_shows_the_loss_of_steps_that_are_logged(
    tmp_path: Path, every: int, seen: set[float]
) -> None:
    bar = Looking()
    trainer = _trainer(tmp_path, bar, limit_train_batches=4, log_every_n_steps=every)
    trainer.fit(Logged())
    assert set(bar.losses) == seen


def test_lightnings_word_about_signals_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(torch.distributed, "broadcast", lambda *a, **_: sent.append(a))
    trainer = _trainer(tmp_path)
    loop: Any = trainer.fit_loop.epoch_loop
    loop._broadcast_sigterm_tensor()
    assert len(sent) == 1
    leave_signals_to_us(trainer)
    loop._broadcast_sigterm_tensor()
    assert len(sent) == 1
