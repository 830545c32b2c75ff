"""The share of a step that is waiting, on a clock that the test moves."""

import csv
import json
import logging
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import lightning.pytorch as pl
import pytest
from tests.forkedrun import STEPS, TinyRun
from tests.training.conftest import FakeTrainer

from streetclip.data.dataset import Cursor
from streetclip.data.waiting import waiting
from streetclip.training import data_wait
from streetclip.training.data_wait import NAME, DataWait


class Module(pl.LightningModule):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.logged: list[float] = []

    def log(self, name: str, value: Any, *_: Any, **__: Any) -> None:
        assert name == NAME
        self.logged.append(float(value))


class Clock:
    """Both of the clocks that are read, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for name in ("perf_counter", "monotonic"):
            monkeypatch.setattr(time, name, lambda: self.now)

    def wait(self, seconds: float) -> None:
        with waiting("batch"):
            self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def fit(
    clock: Clock, steps: list[tuple[float, float]], *, callback: DataWait, between: float = 0.0
) -> list[float]:
    """Steps of a wait and a work in seconds, with something else between them."""
    trainer, module = FakeTrainer(Cursor()), Module()
    trainer.datamodule.workers = 0
    callback.on_fit_start(trainer, module)
    callback.on_train_epoch_start(trainer, module)
    for wait_s, work_s in steps:
        clock.wait(wait_s)
        callback.on_train_batch_start(trainer, module, None, 0)
        clock.now += work_s
        callback.on_train_batch_end(trainer, module, None, None, 0)
        clock.now += between
    return module.logged


def test_the_share_is_the_wait_of_the_wait_and_the_work(clock: Clock) -> None:
    clock.wait(500.0)
    shares = fit(clock, [(3, 1), (0, 2), (1, 3)], callback=DataWait(), between=60.0)
    assert shares == pytest.approx([0.75, 0.0, 0.25])


def test_a_batch_that_was_fetched_ahead_counts_for_the_step_that_follows(clock: Clock) -> None:
    # Two batches are waited for before the first step, none before the second.
    trainer, module, callback = FakeTrainer(Cursor()), Module(), DataWait()
    callback.on_fit_start(trainer, module)
    clock.wait(2.0)
    clock.wait(1.0)
    for _ in range(2):
        callback.on_train_batch_start(trainer, module, None, 0)
        clock.now += 1.0
        callback.on_train_batch_end(trainer, module, None, None, 0)
    assert module.logged == pytest.approx([0.75, 0.0])


def test_a_run_that_waits_for_long_is_warned_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        fit(clock, [(100, 1), *[(1, 3)] * 9], callback=DataWait(window=4, much=0.2))
    assert len(caplog.records) == 1
    assert "the last 4 steps waited for photographs for 25 % of their time" in caplog.text


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([(100, 1), *[(1, 5)] * 9], id="only while the loader starts"),
        pytest.param([(0, 1), *[(1, 3)] * 3], id="for a few steps"),
    ],
)
def test_a_run_that_waits_little_is_not_warned(
    steps: list[tuple[float, float]], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        fit(clock, steps, callback=DataWait(window=4, much=0.2))
    assert caplog.records == []


def test_a_real_run_writes_a_share_for_every_step_beside_what_depends_on_the_clock(
    tiny_run: Callable[..., TinyRun], tmp_path: Path
) -> None:
    tiny_run(tmp_path / "run", epochs=1, ema=False, callbacks=(DataWait(),)).go()
    with (tmp_path / "run" / "timing.csv").open(newline="") as file:
        shares = [float(row[NAME]) for row in csv.DictReader(file) if row[NAME]]
    assert len(shares) == 4
    assert all(0 < share < 1 for share in shares)
    assert NAME not in (tmp_path / "run" / "metrics.csv").read_text()


class LateRank(pl.Callback):
    """On one rank every step waits for eleven days, by the clock of waits; others never wait.

    Each rank writes into a file what it has logged and which warnings it has given.
    """

    def __init__(self, rank: int, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.rank = rank
        self.folder = folder
        self.caplog = caplog
        self.steps: list[dict[str, float]] = []

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        waits_s = count(0.0, 1e6 if trainer.global_rank == self.rank else 0.0)
        # The process is a forked one, and nobody needs the old one.
        mock.patch.object(data_wait, "waited_s", side_effect=waits_s).start()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx > 0:
            self._look(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look(trainer)
        warnings = [r.getMessage() for r in self.caplog.records if r.levelno == logging.WARNING]
        file = self.folder / f"{trainer.global_rank}.json"
        file.write_text(json.dumps({"steps": self.steps, "warnings": warnings}))

    def _look(self, trainer: pl.Trainer) -> None:
        self.steps.append({name: float(value) for name, value in trainer.logged_metrics.items()})


@pytest.mark.distributed
@pytest.mark.parametrize("late", [0, 1])
def test_each_rank_has_its_own_share_and_warns_of_it_and_rank_zero_writes(
    tiny_run: Callable[..., TinyRun],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    late: int,
) -> None:
    callbacks = (LateRank(late, tmp_path, caplog), DataWait(window=2, much=0.2))
    run = tiny_run(tmp_path / "run", epochs=1, ema=False, ranks=2, callbacks=callbacks)
    assert run.fork() == [0, 0]
    ranks = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    names = [[sorted(step) for step in rank["steps"]] for rank in ranks]
    assert names[0] == names[1]
    shares = [[step[NAME] for step in rank["steps"]] for rank in ranks]
    assert shares[1 - late] == [0.0] * STEPS
    assert len(shares[late]) == STEPS
    assert min(shares[late]) > 0.99
    with (run.folder / "timing.csv").open(newline="") as file:
        written = [float(row[NAME]) for row in csv.DictReader(file) if row[NAME]]
    assert written == shares[0]
    words = f"the last 2 steps of rank {late} waited for photographs for 100 % of their time"
    mentions = [sum(words in warning for warning in rank["warnings"]) for rank in ranks]
    assert mentions == [int(late == 0), int(late == 1)]
