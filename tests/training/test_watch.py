"""A run that waits for photographs which do not come, and is asked to leave meanwhile."""

import os
import signal
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import lightning.pytorch as pl
import pytest
import torch.distributed as dist
from tests.asker import LEFT, Ask
from tests.differences import Difference, difference
from tests.forkedrun import TinyRun

from streetclip.data.dataset import PlannedDataset
from streetclip.data.photos import PhotoDataset
from streetclip.data.waiting import waiting
from streetclip.errors import Preempted
from streetclip.training.signals import StopSignals
from streetclip.training.watch import Watch

FOR_EVER_S = 90.0


@dataclass
class Stall(pl.Callback):
    """Lets one read of a rank last for ever: of a step, or of a photograph of an evaluation.

    Args:
        what: `PlannedDataset` or `PhotoDataset`.
        at: What is read: the (epoch, step), or the photograph's number.
        rank: Whose read.
        asks: The signal that comes then.
    """

    what: Any
    at: Any
    rank: int
    asks: signal.Signals | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if trainer.global_rank != self.rank:
            return
        read = self.what.__getitem__

        def stalling(dataset: Any, at: Any) -> Any:
            if at == self.at:
                if self.asks is not None:
                    os.kill(os.getpid(), self.asks)
                time.sleep(FOR_EVER_S)
            return read(dataset, at)

        # The process is a forked one and leaves.
        mock.patch.object(self.what, "__getitem__", stalling).start()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streetclip.training.signals.PATIENCE_S", 1.0)


@pytest.fixture(scope="module")
def one(tiny_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    run = TinyRun(tiny_shards, tmp_path_factory.mktemp("one") / "run", evaluate=True)
    assert run.fork() == [0]
    return run


def _leave(run: TinyRun, *callbacks: pl.Callback) -> None:
    """Let a run leave, long before the read that stalls is over."""
    started = time.monotonic()
    assert replace(run, callbacks=callbacks).fork() == [LEFT] * run.ranks
    assert time.monotonic() - started < FOR_EVER_S / 2


@pytest.mark.parametrize("workers", [0, 2])
def test_a_wait_for_a_batch_is_broken_off(one: TinyRun, tmp_path: Path, workers: int) -> None:
    run = replace(one, folder=tmp_path / "run", workers=workers)
    ask = Ask(signal.SIGTERM, "batch_end", 2)
    _leave(run, Stall(PlannedDataset, (0, 2), rank=0), ask)
    assert len((run.folder / "samples.jsonl").read_text().splitlines()) == 2
    assert run.fork() == [0]
    assert difference(run.folder, one.folder) == Difference()


def test_a_wait_for_a_photograph_of_an_evaluation_is_broken_off(
    one: TinyRun, tmp_path: Path
) -> None:
    run = replace(one, folder=tmp_path / "run")
    for number in (signal.SIGUSR1, signal.SIGINT):
        _leave(run, Stall(PhotoDataset, 33, rank=0, asks=number))
    assert run.fork() == [0]
    assert difference(run.folder, one.folder) == Difference()


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize(("asked", "stalled"), [(0, 1), (1, 0), (1, 1)])
def test_the_rank_that_waits_learns_of_the_others_signal(
    one: TinyRun, tmp_path: Path, asked: int, stalled: int
) -> None:
    whole = replace(one, folder=tmp_path / "whole", ranks=2)
    run = replace(whole, folder=tmp_path / "run")
    ask = Ask(signal.SIGTERM, "batch_end", 2, ranks=(asked,))
    _leave(run, Stall(PlannedDataset, (0, 2), rank=stalled), ask)
    assert run.fork() == whole.fork() == [0, 0]
    assert difference(run.folder, whole.folder) == Difference()


def test_a_signal_while_data_come_in_time_breaks_off_nothing() -> None:
    with StopSignals() as signals:
        signals.wait()
        signal.raise_signal(signal.SIGTERM)
        with waiting("batch"):
            time.sleep(0.2)
        assert signals.broken_off is None


def test_a_signal_of_another_rank_ends_the_wait_of_this_one() -> None:
    store: Any = dist.HashStore()  # type: ignore[attr-defined] # torch has no __all__
    other = StopSignals()
    other.received = signal.SIGINT
    teller = Watch(other, store=lambda: store).start()
    with StopSignals() as signals:
        signals.wait()
        watch = Watch(signals, store=lambda: store).start()
        with (
            pytest.raises(Preempted, match="SIGINT came while photographs did not"),
            waiting("batch"),
        ):
            threading.Event().wait(30)
        watch.stop()
    teller.stop()
