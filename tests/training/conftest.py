"""Tiny runs of real parts, and a trainer that only seems to be one."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as pl
import pytest
from lightning.pytorch.trainer.states import TrainerFn
from tests import forkedranks
from tests.forkedrun import TinyRun
from tests.tinyshards import write_tiny_shards

free_port = pytest.fixture(forkedranks.free_port, name="free_port")


@pytest.fixture
def tiny_run(tiny_shards: Path) -> Callable[..., TinyRun]:
    return partial(TinyRun, tiny_shards)


@pytest.fixture(scope="session")
def tiny_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_shards(tmp_path_factory.mktemp("shards"))


class FakeTrainer(pl.Trainer):
    """A trainer by its type that is where a test puts it, and saves a text file."""

    # What is computed in a real trainer.
    is_global_zero: Any = True
    global_rank: Any = 0
    world_size: Any = 1
    global_step: Any = 0
    current_epoch: Any = 0
    num_training_batches: Any = 3
    callback_metrics: Any = None
    datamodule: Any = None
    state: Any = SimpleNamespace(fn=TrainerFn.FITTING)

    def __init__(self, cursor: Any) -> None:
        self.callback_metrics = {}
        self.datamodule = SimpleNamespace(cursor=cursor, steps_per_epoch=3)

    def save_checkpoint(self, filepath: Any, *_: Any, **__: Any) -> None:
        filepath.parent.mkdir(exist_ok=True)
        filepath.write_text(f"{self.global_step}")
