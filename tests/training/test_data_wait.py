"""The share of a step that is waiting, on a clock that the test moves."""

import csv
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
from tests.forkedrun import TinyRun
from tests.training.conftest import FakeTrainer

from streetclip.data.dataset import Cursor
from streetclip.data.waiting import waiting
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
