"""A run that goes on from a checkpoint somewhere else."""

import json
import logging
from hashlib import sha256
from pathlib import Path

import pytest
from tests.badserver import BadServer
from tests.conftest import Finished
from tests.differences import differing_values

from streetclip.build.pretrain import pretrain
from streetclip.config.load import load_experiment
from streetclip.errors import PlanError, ShardError
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
        other = load_experiment(finished.experiment, _options(finished, tmp_path, "seed=3"))
        with pytest.raises(PlanError, match="seed: 42 there, 3 here"):
            pretrain(other, resume=f"{server.url}/checkpoints/{before.name}")
    status = json.loads((tmp_path / "runs" / "tiny" / "001" / "status.json").read_text())
    assert status["status"] == "failed"
    assert "seed: 42 there, 3 here" in status["reason"]
