import csv
import hashlib
import json
import math
from pathlib import Path

import pytest
import yaml
from tests.commandline import command
from tests.conftest import Finished
from tests.sources import read_with_webdataset, write_osv5m, write_table
from tests.tinyrun import write_experiment

from streetclip.config.load import load_experiment


def _losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open(newline="") as file:
        return [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]


def _samples(run: Path) -> list[dict[str, list[str]]]:
    return [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]


def test_print_config_shows_every_option_and_can_be_read_back(finished: Finished) -> None:
    words = ("--print-config", "optim.lr=0.5", "data.lanes=4")
    answer = command("pretrain", finished.experiment, *words)
    assert (answer.code, answer.err) == (0, "")
    values = yaml.safe_load(answer.out)
    assert (values["optim"]["lr"], values["data"]["lanes"]) == (0.5, 4)
    assert "# Peak learning rate." in answer.out
    file = finished.folder / "printed.yaml"
    file.write_text(answer.out)
    expected = load_experiment(finished.experiment, words[1:])
    assert load_experiment(file) == expected


def test_options_may_stand_on_both_sides_of_others(finished: Finished) -> None:
    words = ("--print-config", "seed=7", "--resume", "auto", "optim.lr=0.5")
    answer = command("pretrain", finished.experiment, *words)
    values = yaml.safe_load(answer.out)
    assert (values["seed"], values["optim"]["lr"]) == (7, 0.5)


def test_a_table_trains_and_tells_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    experiment = write_experiment(tmp_path)
    source = write_table(tmp_path / "source", 20, lines=("north.jpg,95,2",))
    words = (f"data.source={source}", "trainer.max_epochs=1", "trainer.loggers=[csv]")
    answer = command("pretrain", experiment, *words, "data.shards.val_share=0.25")
    assert (answer.code, answer.err) == (0, "")
    assert "20 of 21 photographs written to" in answer.out
    assert "rejected.csv" in answer.out
    run = tmp_path / "runs" / "tiny" / "001"
    assert f"run: {run}" in answer.out
    assert f"finished: {run}" in answer.out
    assert len(_losses(run)) == 1
    assert all(math.isfinite(loss) for loss in _losses(run))
    again = command("pretrain", experiment, *words, "data.shards.val_share=0.25")
    assert "shard set found: " in again.out


def test_shards_of_osv5m_form_train_as_they_are_and_with_an_index(tmp_path: Path) -> None:
    experiment = write_experiment(tmp_path)
    folder = write_osv5m(tmp_path / "osv5m")
    tars = sorted(folder.glob("*.tar"))
    before = [hashlib.sha256(tar.read_bytes()).hexdigest() for tar in tars]
    keys = {sample["__key__"] for sample in read_with_webdataset(tars)}
    assert len(keys) == 24
    words = (f"data.source={folder}", "trainer.max_epochs=1", "trainer.loggers=[csv]")

    refused = command("pretrain", experiment, *words)
    assert refused.code == 2
    assert f"run `streetclip shards index {folder}` once" in refused.err
    assert "or set data.order=resampled" in refused.err

    resampled = command(
        "pretrain", experiment, *words, "data.order=resampled", "data.samples_per_epoch=24"
    )
    assert resampled.code == 0
    assert "cannot resume exactly" in resampled.out
    assert "no validation photographs" in resampled.out
    first = tmp_path / "runs" / "tiny" / "001"

    assert command("shards", "index", folder).code == 0
    planned = command("pretrain", experiment, *words)
    assert planned.code == 0
    second = tmp_path / "runs" / "tiny" / "002"
    for run in (first, second):
        assert len(_losses(run)) == 3
        assert all(math.isfinite(loss) for loss in _losses(run))
        seen = [key for step in _samples(run) for key in step["keys"]]
        assert set(seen) <= keys
        captions = " ".join(text for step in _samples(run) for text in step["captions"])
        assert "Namibia" in captions
        assert "NaN" not in captions
        assert "_" not in captions
    bad = [json.loads(line) for line in (second / "quarantine.jsonl").read_text().splitlines()]
    assert {item["key"] for item in bad} == {"3000011", "3000023"}
    assert [hashlib.sha256(tar.read_bytes()).hexdigest() for tar in tars] == before


def test_a_table_can_be_resampled_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    experiment = write_experiment(tmp_path)
    source = write_table(tmp_path / "source", 20)
    words = (f"data.source={source}", "data.order=resampled", "trainer.max_epochs=1")
    answer = command("pretrain", experiment, *words, "trainer.loggers=[csv]")
    assert (answer.code, answer.err) == (0, "")
    assert "samples drawn from 1 shards" in answer.out
    assert len(_losses(tmp_path / "runs" / "tiny" / "001")) >= 1
