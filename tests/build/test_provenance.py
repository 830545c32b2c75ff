"""What checkpoint, run folder and shard set tell of a training, and what they do not."""

import shutil
from pathlib import Path

import pytest
import torch
from tests.conftest import Finished

from streetclip.build.provenance import facts_of, start_of, training_of
from streetclip.captions.template import load_template
from streetclip.config.load import load_experiment
from streetclip.shards.layout import open_shard_set
from streetclip.training.checkpoint_io import RUN_KEY


def test_a_checkpoint_in_its_run_tells_all_of_its_training(finished: Finished) -> None:
    training = training_of(finished.run / "checkpoints" / "best.ckpt")
    assert training is not None
    shards = open_shard_set(load_experiment(finished.run / "config.yaml").data.source)
    assert training.data.digest == shards.digest
    assert training.data.photographs == len(shards)
    assert training.data.countries == sorted(shards.countries)
    assert training.data.towns == len(shards.towns)
    assert training.data.looked_at == len(shards)
    assert sum(training.data.licences.values()) == len(shards)
    assert training.template == "street"
    assert training.template_digest == load_template("street").digest
    assert training.ema_decay == 0.5
    assert training.steps > 0
    assert training.options["optim"]["lr"] == 1e-2


def test_a_checkpoint_that_was_taken_away_tells_no_licences(
    finished: Finished, tmp_path: Path
) -> None:
    path = tmp_path / "mine.ckpt"
    shutil.copy(finished.run / "checkpoints" / "best.ckpt", path)
    training = training_of(path)
    assert training is not None
    assert training.data.photographs
    assert (training.data.looked_at, dict(training.data.licences)) == (0, {})


def test_shards_that_have_changed_or_gone_tell_no_licences(
    finished: Finished, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "001"
    (run / "checkpoints").mkdir(parents=True)
    path = run / "checkpoints" / "best.ckpt"
    shutil.copy(finished.run / "checkpoints" / "best.ckpt", path)
    options = load_experiment(finished.run / "config.yaml")
    for source, is_said in (("absent", True), (str(options.data.val_source), False)):
        caplog.clear()
        text = (finished.run / "config.yaml").read_text()
        changed = text.replace(f"source: {options.data.source}", f"source: {source}", 1)
        assert changed != text
        (run / "config.yaml").write_text(changed)
        training = training_of(path)
        assert training is not None
        assert training.data.looked_at == 0
        assert ("the card names no licences" in caplog.text) is is_said


def test_a_checkpoint_outside_of_a_run_tells_nothing(finished: Finished, tmp_path: Path) -> None:
    content = torch.load(finished.run / "checkpoints" / "best.ckpt", weights_only=True)
    del content[RUN_KEY]
    torch.save(content, tmp_path / "plain.ckpt")
    assert training_of(tmp_path / "plain.ckpt") is None
    assert facts_of(tmp_path / "plain.ckpt").keys() == {"steps"}


def test_the_start_weights_are_those_that_the_experiment_named(finished: Finished) -> None:
    training = training_of(finished.run / "checkpoints" / "best.ckpt")
    assert start_of(training, "ignored").licence == "own"
    assert start_of(None, "ViT-B-32-quickgelu:openai").licence == "mit"
