import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from tests.differences import differing_values
from tests.forkedrun import STEPS, TinyRun
from tests.training.conftest import FakeTrainer

from streetclip.data.dataset import Cursor
from streetclip.errors import CheckpointError
from streetclip.training.checkpoint import RunCheckpoint
from streetclip.training.checkpoint_io import (
    BEST_NAME,
    RUN_KEY,
    checkpoint_step,
    checkpoints,
    read_checkpoint,
)
from streetclip.training.retention import SET_ASIDE

Make = Callable[..., TinyRun]


def _end_epoch(trainer: FakeTrainer, callback: RunCheckpoint, value: float) -> None:
    trainer.global_step += 5
    trainer.datamodule.cursor = Cursor(trainer.datamodule.cursor.epoch + 1, 0)
    trainer.callback_metrics["score"] = torch.tensor(value)
    callback.on_train_epoch_end(trainer, pl.LightningModule())


def test_a_checkpoint_is_due_by_the_clock_too_but_not_at_an_epochs_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    callback = RunCheckpoint(tmp_path, every_n_steps=100, every_n_minutes=5)
    trainer, module = FakeTrainer(Cursor(0, 1)), pl.LightningModule()
    written = []
    for step in range(8):
        trainer.global_step = step
        trainer.datamodule.cursor = Cursor(0, step)
        callback.on_train_batch_start(trainer, module, None, step % 4)
        written.append([checkpoint_step(path) for path in checkpoints(tmp_path)])
        clock[0] += 121
    # Due at 363 s, which is step 3; again 363 s later, which is step 6.
    assert written == [[], [], [], [3], [3], [3], [6, 3], [6, 3]]


def _best(folder: Path) -> str:
    return (folder / BEST_NAME).read_text()


@pytest.mark.parametrize(
    ("mode", "values", "best"),
    [
        ("max", [0.1, 0.3, 0.2], 10),
        ("min", [0.1, 0.3, 0.2], 5),
        ("max", [0.3, 0.3, 0.3], 5),
        ("max", [math.nan, 0.1, math.nan], 10),
    ],
)
def test_the_best_checkpoint_is_kept_besides_the_newest(
    tmp_path: Path, mode: str, values: list[float], best: int
) -> None:
    folder = tmp_path / "checkpoints"
    callback = RunCheckpoint(folder, every_n_steps=100, keep=1, monitor="score", mode=mode)
    trainer = FakeTrainer(Cursor())
    for value in values:
        _end_epoch(trainer, callback, value)
    assert [p.name for p in checkpoints(folder)] == ["epoch=003-step=000015.ckpt"]
    assert _best(folder) == str(best)


def test_what_was_refused_lies_aside_and_counts_for_nothing(tmp_path: Path) -> None:
    callback, trainer = RunCheckpoint(tmp_path, every_n_steps=100, keep=2), FakeTrainer(Cursor())
    (tmp_path / "epoch=009-step=000900.ckpt").write_text("refused")
    callback.on_fit_start(trainer, pl.LightningModule())
    for _ in range(4):
        _end_epoch(trainer, callback, 0.0)
    assert [p.name[-9:-5] for p in checkpoints(tmp_path)] == ["0020", "0015"]
    assert [p.name for p in (tmp_path / SET_ASIDE).iterdir()] == ["epoch=009-step=000900.ckpt"]


def test_a_run_that_goes_on_from_an_older_checkpoint_is_not_taken_up_from_a_newer_one(
    tiny_run: Make, tmp_path: Path
) -> None:
    run = tiny_run(tmp_path / "run", every_n_steps=2)
    run.go()
    newest, older = checkpoints(run.checkpoints)[:2]
    rows = (run.folder / "samples.jsonl").read_text()
    run.go(resume=older)
    assert (run.checkpoints / SET_ASIDE / newest.name).is_file()
    assert (run.folder / "samples.jsonl").read_text() == rows
    assert (
        differing_values(read_checkpoint(newest), read_checkpoint(checkpoints(run.checkpoints)[0]))
        == 0
    )


def test_a_kill_between_the_save_and_the_link_of_the_best_is_mended(tmp_path: Path) -> None:
    callback, trainer = (
        RunCheckpoint(tmp_path, every_n_steps=9, monitor="score"),
        FakeTrainer(Cursor()),
    )
    _end_epoch(trainer, callback, 0.1)
    _end_epoch(trainer, callback, 0.2)
    (tmp_path / BEST_NAME).unlink()
    again = RunCheckpoint(tmp_path, every_n_steps=9, monitor="score")
    again.on_load_checkpoint(trainer, pl.LightningModule(), {"global_step": 10})
    again.load_state_dict(callback.state_dict())
    assert _best(tmp_path) == "10"


def test_a_run_that_has_all_its_steps_links_its_best_checkpoint_too(
    tiny_run: Make, tmp_path: Path
) -> None:
    run = tiny_run(tmp_path / "run")
    run.go()
    best = (run.checkpoints / BEST_NAME).read_bytes()
    (run.checkpoints / BEST_NAME).unlink()
    run.go()
    assert (run.checkpoints / BEST_NAME).read_bytes() == best


def test_one_of_several_ranks_keeps_the_best_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callback, trainer = (
        RunCheckpoint(tmp_path, every_n_steps=9, monitor="score"),
        FakeTrainer(Cursor()),
    )
    _end_epoch(trainer, callback, 0.1)
    (tmp_path / BEST_NAME).unlink()
    monkeypatch.setattr(trainer, "is_global_zero", False)
    other = RunCheckpoint(tmp_path, every_n_steps=9, monitor="score")
    other.on_load_checkpoint(trainer, pl.LightningModule(), {"global_step": 5})
    other.load_state_dict(callback.state_dict())
    assert not (tmp_path / BEST_NAME).exists()


@pytest.mark.parametrize("monitor", ["zeroshot/val/countri_accuracy", "zeroshot/other/median_km"])
def test_an_evaluation_value_that_nobody_logs_is_refused_before_the_first_step(
    tiny_run: Make, tmp_path: Path, monitor: str
) -> None:
    run = tiny_run(tmp_path / "run", monitor=monitor)
    with pytest.raises(CheckpointError, match=r"is not logged.*checkpoint\.monitor=null keeps no"):
        run.go()
    assert not (run.folder / "metrics.csv").exists()


def test_another_name_that_nobody_logs_is_refused_at_the_epochs_end(tmp_path: Path) -> None:
    callback = RunCheckpoint(tmp_path, every_n_steps=9, monitor="train/los")
    with pytest.raises(CheckpointError, match="train/los is not logged; allowed: score"):
        _end_epoch(FakeTrainer(Cursor()), callback, 0.5)


@pytest.fixture(scope="module")
def finished(tiny_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    run = TinyRun(tiny_shards, tmp_path_factory.mktemp("finished") / "run", every_n_steps=2)
    run.folder.mkdir()
    (run.folder / "checkpoints").mkdir()
    (run.folder / "checkpoints" / ".epoch=000-step=000009.ckpt.part").write_bytes(b"half")
    kept = Kept()
    TinyRun(run.shards, run.folder, every_n_steps=2, callbacks=(kept,)).go()
    assert kept.names == [
        "epoch=000-step=000002.ckpt",
        "epoch=001-step=000004.ckpt",
        "epoch=001-step=000006.ckpt",
        "epoch=002-step=000008.ckpt",
    ]
    return run


class Kept(pl.Callback):
    """Notes every checkpoint that was ever there."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_save_checkpoint(self, trainer: pl.Trainer, *_: Any) -> None:
        (callback,) = (c for c in trainer.checkpoint_callbacks if isinstance(c, RunCheckpoint))
        self.names.append(callback._name(trainer))


def test_checkpoints_are_written_every_n_steps_but_once_at_an_epochs_end(finished: TinyRun) -> None:
    names = [path.name for path in checkpoints(finished.folder / "checkpoints")]
    assert names == ["epoch=002-step=000008.ckpt", "epoch=001-step=000006.ckpt"]
    assert not list((finished.folder / "checkpoints").glob(".*"))


def test_a_checkpoint_says_where_it_is_and_of_which_run(finished: TinyRun) -> None:
    newest, middle = checkpoints(finished.folder / "checkpoints")
    ours = read_checkpoint(newest)
    assert (ours["epoch"], ours["global_step"]) == (2, 2 * STEPS)
    assert ours[RUN_KEY]["ema_decay"] == 0.5
    logs = {"metrics.csv": 8, "timing.csv": 8, "samples.jsonl": 8}
    assert ours[RUN_KEY]["logs"] == logs
    assert read_checkpoint(middle)[RUN_KEY]["logs"] == dict.fromkeys(logs, 6)
