"""A run that goes on from a checkpoint somewhere else."""

import json
import logging
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from tests.badserver import BadServer
from tests.conftest import Finished
from tests.differences import differing_values

from streetclip.build.pretrain import pretrain
from streetclip.config.load import load_experiment
from streetclip.errors import CheckpointError, InputError, PlanError, ShardError
from streetclip.training.checkpoint_io import checkpoints, read_checkpoint

STEP = 8


def _samples(run: Path) -> list[str]:
    return (run / "samples.jsonl").read_text().splitlines()


def _options(finished: Finished, tmp_path: Path, *more: str) -> tuple[str, ...]:
    return (f"runs_dir={tmp_path}/runs", f"data.remote.cache_dir={tmp_path}/cache", *more)


def test_a_checkpoint_at_a_url_is_continued_in_a_new_folder(
    finished: Finished, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newest, before = checkpoints(finished.run / "checkpoints")[:2]
    assert read_checkpoint(before)["global_step"] == STEP
    digest = sha256(before.read_bytes()).hexdigest()
    experiment = load_experiment(finished.experiment, _options(finished, tmp_path))
    with BadServer(before.parent) as server, caplog.at_level(logging.INFO, "streetclip"):
        host = server.url.partition("//")[2]
        url = f"http://me:PASSWORD@{host}/{before.name}?token=SECRET#sha256={digest}"
        run = pretrain(experiment, resume=url)
    assert f"continues from {server.url}/{before.name}?..." in caplog.text
    assert "SECRET" not in caplog.text
    assert "PASSWORD" not in caplog.text
    assert run == tmp_path / "runs" / "tiny" / "001"
    assert _samples(run) == _samples(finished.run)[STEP:]
    ours, theirs = read_checkpoint(checkpoints(run / "checkpoints")[0]), read_checkpoint(newest)
    for part in ("state_dict", "current_model_state", "optimizer_states", "loops"):
        assert differing_values(ours[part], theirs[part]) == 0, part


def test_what_is_no_checkpoint_of_this_run_is_refused(finished: Finished, tmp_path: Path) -> None:
    before = checkpoints(finished.run / "checkpoints")[1]
    experiment = load_experiment(finished.experiment, _options(finished, tmp_path))
    with BadServer(finished.run) as server:
        with pytest.raises(
            ShardError, match="try 2: it is no whole checkpoint; got: neither a zip"
        ):
            pretrain(experiment, resume=f"{server.url}/metrics.csv")
        with pytest.raises(ShardError, match="404 Not Found"):
            pretrain(experiment, resume=f"{server.url}/checkpoints/absent.ckpt")
        assert not (tmp_path / "runs").exists()
        other = load_experiment(finished.experiment, _options(finished, tmp_path, "optim.lr=3"))
        with pytest.raises(CheckpointError, match=r"other options; got: optim\.lr is .*, not 3\."):
            pretrain(other, resume=f"{server.url}/checkpoints/{before.name}")
        assert not (tmp_path / "runs").exists()
        other = load_experiment(finished.experiment, _options(finished, tmp_path, "seed=3"))
        with pytest.raises(PlanError, match="seed: 42 there, 3 here"):
            pretrain(other, resume=f"{server.url}/checkpoints/{before.name}")
    status = json.loads((tmp_path / "runs" / "tiny" / "001" / "status.json").read_text())
    assert status["status"] == "failed"
    assert "seed: 42 there, 3 here" in status["reason"]


def _copied(finished: Finished, tmp_path: Path) -> Path:
    run = tmp_path / "runs" / "tiny" / "001"
    shutil.copytree(finished.run, run)
    return run


@pytest.mark.parametrize("place", ["", "checkpoints/best.ckpt"])
def test_a_run_goes_on_with_its_own_options_only(
    finished: Finished, tmp_path: Path, place: str
) -> None:
    run = _copied(finished, tmp_path)
    before = (run / "status.json").read_text()
    other = load_experiment(finished.experiment, _options(finished, tmp_path, "optim.lr=0.5"))
    with pytest.raises(CheckpointError, match=r"optim\.lr is .*, not 0\.5; resume w"):
        pretrain(other, resume=str(run / place))
    assert (run / "status.json").read_text() == before


def test_a_run_says_that_it_failed_wherever_it_did(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InputError("no such thing")

    monkeypatch.setattr("streetclip.build.pretrain.make_trainer", fail)
    experiment = load_experiment(finished.experiment, _options(finished, tmp_path))
    with pytest.raises(InputError, match="no such thing"):
        pretrain(experiment)
    run = tmp_path / "runs" / "tiny" / "001"
    assert json.loads((run / "status.json").read_text())["status"] == "failed"
    finished_run = tmp_path / "runs" / "tiny" / "002"
    shutil.copytree(finished.run, finished_run)
    with pytest.raises(InputError, match="no such thing"):
        pretrain(experiment, resume=str(finished_run))
    assert json.loads((finished_run / "status.json").read_text())["status"] == "finished"


class _Killed(BaseException):
    """As if the process were gone."""


def test_a_kill_before_the_first_checkpoint_of_the_new_folder_doubles_no_row(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = checkpoints(finished.run / "checkpoints")[1]
    experiment = load_experiment(finished.experiment, _options(finished, tmp_path))

    def die(*_: object) -> None:
        raise _Killed

    with BadServer(before.parent) as server, monkeypatch.context() as patch:
        patch.setattr("streetclip.training.checkpoint.RunCheckpoint.on_train_epoch_end", die)
        with pytest.raises(_Killed):
            pretrain(experiment, resume=f"{server.url}/{before.name}")
    run = tmp_path / "runs" / "tiny" / "001"
    assert _samples(run) == _samples(finished.run)[STEP:]
    assert pretrain(experiment, resume="auto") == run
    assert _samples(run) == _samples(finished.run)[STEP:]
    steps = [row.split(",")[0] for row in (run / "metrics.csv").read_text().splitlines()]
    assert len(steps) == len(set(steps))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("trainer.precision=bf16-mixed", "trainer.precision"),
        ("model.compile=true", "model.compile"),
    ],
)
def test_a_run_that_would_round_otherwise_is_refused_by_name(
    finished: Finished, tmp_path: Path, option: str, told: str
) -> None:
    assert "precision: 32-true" in (finished.run / "config.yaml").read_text()
    checkpoint = checkpoints(finished.run / "checkpoints")[1]
    experiment = load_experiment(finished.experiment, _options(finished, tmp_path, option))
    with pytest.raises(CheckpointError, match=rf"other options.*{told.replace('.', '[.]')}"):
        pretrain(experiment, resume=str(checkpoint))
