"""A step as a run does it: `StreetclipModule` under Lightning's Trainer."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from torch.utils.data import DataLoader, Dataset

from gpu_parts.cases import Case, backbone_of
from gpu_parts.device import wait
from streetclip.build.precision import precision_of
from streetclip.config.schema import TrainerConfig
from streetclip.model.module import StreetclipModule


class _Given(Dataset[dict[str, Any]]):
    def __init__(self, batches: Sequence[dict[str, Any]]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.batches[index]


class Clock(pl.Callback):
    """Seconds of the steps after the first few, and how much of them went into waiting for data.

    Args:
        device: Is waited for at the first and at the last of them only.
        warm_up: Steps that are not counted.
    """

    def __init__(self, device: str, warm_up: int) -> None:
        self.device, self.warm_up = device, warm_up
        self.steps, self.seconds, self.waited = 0, 0.0, 0.0
        self._begin = self._end = 0.0

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """The data are here."""
        if trainer.global_step == self.warm_up:
            wait(self.device)
            self._begin = time.perf_counter()
        elif trainer.global_step > self.warm_up:
            self.waited += time.perf_counter() - self._end

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """The host has given the step to the device."""
        if trainer.global_step == trainer.max_steps:
            wait(self.device)
        self._end = time.perf_counter()
        if trainer.global_step > self.warm_up:
            self.steps = trainer.global_step - self.warm_up
            self.seconds = self._end - self._begin


def module_of(case: Case, *, steps: int) -> StreetclipModule:
    """The module of a case, by the options that an experiment has."""
    backbone = backbone_of(case)
    module = StreetclipModule(
        backbone,
        lr=1e-5,
        total_steps=steps,
        micro_batch_size=case.micro,
        gradient_checkpointing=case.checkpointing,
    )
    if case.compile:
        backbone.compile_blocks()
    return module


def trainer_of(device: str, folder: Path, *callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    """A Trainer on one device, in the precision that `auto` becomes."""
    accelerator = "gpu" if device == "cuda" else "cpu"
    return pl.Trainer(
        accelerator=accelerator,
        devices=1,
        precision=precision_of(TrainerConfig(accelerator=accelerator)),  # type: ignore[arg-type]
        callbacks=list(callbacks),
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        logger=False,
        default_root_dir=folder,
        **options,
    )


def given(batches: Sequence[dict[str, Any]]) -> DataLoader[dict[str, Any]]:
    """A loader of batches that are there already."""
    return DataLoader(_Given(batches), batch_size=None)


def train(
    case: Case,
    batches: Sequence[dict[str, Any]],
    *,
    device: str,
    steps: int,
    warm_up: int,
    folder: Path,
) -> Clock:
    """Take some steps and give their clock."""
    clock = Clock(device, warm_up)
    total = steps + warm_up
    trainer = trainer_of(device, folder, clock, max_steps=total, log_every_n_steps=total + 1)
    trainer.fit(module_of(case, steps=total), given(batches))
    return clock
