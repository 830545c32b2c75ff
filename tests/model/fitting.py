"""Fits a StreetclipModule to batches given as a list, and keeps what each step logged and left."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader, Dataset

from streetclip.model.module import StreetclipModule


class _Batches(Dataset[dict[str, Any]]):
    def __init__(self, batches: Sequence[dict[str, Any]]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.batches[index]


class Record(Callback):
    """Logged values and weights after each step."""

    def __init__(self) -> None:
        self.metrics: list[dict[str, float]] = []
        self.states: list[dict[str, torch.Tensor]] = []
        self.steps: list[int] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        self.metrics.append({k: float(v) for k, v in trainer.callback_metrics.items()})
        self.states.append(copy.deepcopy(pl_module.backbone.state_dict()))
        self.steps.append(trainer.global_step)


def loader(batches: Sequence[dict[str, Any]]) -> DataLoader[dict[str, Any]]:
    return DataLoader(_Batches(batches), batch_size=None)


def make_trainer(tmp_path: Path, *callbacks: Callback, **options: Any) -> Trainer:
    chosen: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": 1,
        "max_epochs": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "log_every_n_steps": 1,
        "default_root_dir": tmp_path,
        **options,
    }
    return Trainer(callbacks=list(callbacks), **chosen)


def fit(
    tmp_path: Path,
    module: StreetclipModule,
    batches: Sequence[dict[str, Any]],
    *callbacks: Callback,
    **options: Any,
) -> Record:
    record = Record()
    make_trainer(tmp_path, record, *callbacks, **options).fit(module, loader(batches))
    return record
