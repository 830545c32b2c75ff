"""The commands of the OSV-5M experiment, one after the other, on small shards in that form."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commandline import command
from tests.conftest import REPOSITORY
from tests.fakehub import serve_hub
from tests.sources import write_osv5m
from tests.tinyrun import write_experiment

from streetclip.config.load import load_experiment

FILE = REPOSITORY / "experiments" / "pretrain" / "osv5m_vit_l14_336.yaml"
NAME = "experiments/pretrain/osv5m_vit_l14_336.yaml"
REPOSITORY_ON_THE_HUB = "osv5m/osv5m-wds"


def _commands() -> list[list[str]]:
    found = re.findall(r"^# +\.venv/bin/(.*)$", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    return [shlex.split(line) for line in found]


def _small(folder: Path) -> list[str]:
    """Overrides that make a tiny model and a few steps of the experiment, on one CPU."""
    write_experiment(folder)
    return [
        *(f"model.name={folder}/model.json", "model.pretrained=null"),
        *(f"evaluation.protocol={folder}/protocol.yaml", "evaluation.bootstrap=20"),
        *("data.batch_size=8", "data.micro_batch_size=4", "data.workers=0"),
        *("trainer.accelerator=cpu", "trainer.devices=1", "trainer.precision=32-true"),
        *("trainer.max_epochs=1", "trainer.loggers=[csv]", "trainer.progress=false"),
    ]


def test_the_page_and_the_file_name_the_same_commands() -> None:
    page = (REPOSITORY / "docs" / "osv5m.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(\.venv/bin/hf (?:.*\n)*?)```", page)
    assert block is not None
    lines = [line.removeprefix(".venv/bin/") for line in block[1].splitlines()]
    assert [shlex.split(line) for line in lines] == _commands()
    assert [words[:2] for words in _commands()] == [
        ["hf", "download"],
        ["streetclip", "shards"],
        ["streetclip", "shards"],
        ["streetclip", "pretrain"],
        ["streetclip", "pretrain"],
        ["streetclip", "benchmark"],
    ]


def test_shards_of_osv5m_form_go_from_the_hub_to_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download, *indexing, plan, train, benchmark = _commands()
    for part, tars in (("train", 2), ("val", 1), ("test", 1)):
        write_osv5m(tmp_path / "hub" / part, tars=tars)
    work = tmp_path / "work"
    (work / "experiments").mkdir(parents=True)
    (work / "experiments" / "pretrain").symlink_to(FILE.parent)
    monkeypatch.chdir(work)
    _download(download, tmp_path)
    for words in indexing:
        answer = command(*words[1:])
        assert (answer.code, answer.err) == (0, "")

    small = _small(tmp_path)
    planned = command(*plan[1:], *small)
    assert (planned.code, planned.err) == (0, "")
    # The set that is here counts, and not what is expected.
    assert re.search(r"photographs +24\n", planned.out)
    assert not (work / "runs").exists()

    trained = command(*train[1:], *small)
    assert (trained.code, trained.err) == (0, "")
    assert "data.expected_photos is 4894685, and osv5m-wds/train holds 24" in trained.out
    run = work / "runs" / "osv5m_vit_l14_336" / "001"
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["train/loss"] != "" for row in rows) == 3
    assert rows[-1]["zeroshot/val/country_accuracy"] != ""
    status = json.loads((run / "status.json").read_text())
    assert status["status"] == "finished"

    protocol = f"{tmp_path}/protocol.yaml"
    measured = command(*benchmark[1:], "--protocol", protocol, "--out", "result")
    assert measured.code == 0, measured.err
    report = (work / "result" / "report.md").read_text(encoding="utf-8")
    assert "OSV-5M (partial: 12 of 210,122 photographs)" in report.splitlines()[0]


def _download(words: list[str], folder: Path) -> None:
    """Run `hf` as it is, against a hub on this machine."""
    assert words[2] == REPOSITORY_ON_THE_HUB
    hf = Path(sys.executable).with_name(words[0])
    with serve_hub(REPOSITORY_ON_THE_HUB, folder / "hub") as address:
        ours = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HOME": str(folder / "home")}
        ours |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
        done = subprocess.run(
            [str(hf), *words[1:]],
            env={**os.environ, **ours},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    for file in (folder / "hub").rglob("*.tar"):
        copy = Path(words[-1]) / file.relative_to(folder / "hub")
        assert copy.read_bytes() == file.read_bytes()


def test_the_experiment_is_the_recipe_of_the_paper_on_other_photographs() -> None:
    ours, theirs = (
        load_experiment(FILE),
        load_experiment(FILE.with_name("streetclip_vit_l14_336.yaml")),
    )
    assert ours.optim == theirs.optim
    assert ours.model == theirs.model
    # What is meant to differ: each photograph meets its whole step here, and its pass there.
    assert (ours.accumulate.mode, ours.loss.negatives) == ("cached", "global")
    assert ours.trainer.max_epochs == theirs.trainer.max_epochs
    assert ours.trainer.precision == theirs.trainer.precision
    assert ours.data.batch_size == 2048 == 8 * 4 * 64 == 32 * 64
