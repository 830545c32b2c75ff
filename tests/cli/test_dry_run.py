import json
import re
from pathlib import Path

import pytest
from tests.commandline import command
from tests.conftest import Finished

from streetclip.build.dry_run import DryRun, dry_run
from streetclip.cli.dry_run import lines, sections, show
from streetclip.config.load import load_experiment


@pytest.fixture(scope="module")
def run(finished: Finished) -> DryRun:
    """Of an experiment that has run."""
    return dry_run(load_experiment(finished.experiment))


@pytest.mark.slow
def test_the_example_of_the_page_is_what_the_command_prints(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (repository / "docs" / "scale.md").read_text(encoding="utf-8")
    found = re.search(r"\n\$ streetclip (.*)\n((?:.*\n)*?)```", page)
    assert found is not None
    monkeypatch.chdir(repository)
    answer = command(*found[1].split())
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == found[2]


def test_a_terminal_gets_a_table_with_the_same_values(
    run: DryRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    show(run)
    table = capsys.readouterr().out
    assert "┌" in table
    for rows in sections(run).values():
        for name, value in rows:
            assert name.strip() in table
            assert value in table
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    show(run)
    assert capsys.readouterr().out == "\n".join(lines(run)) + "\n"


def test_json_holds_plain_numbers(finished: Finished) -> None:
    words = ("--json", "--tflops", "0.001", "--utilization", "0.25", "data.batch_size=4")
    answer = command("pretrain", finished.experiment, "--plan", *words)
    assert (answer.code, answer.err) == (0, "")
    said = json.loads(answer.out)
    assert said["batches"]["negatives"] == 3
    assert (said["steps_per_epoch"], said["steps"]) == (10, 20)
    per_s = 0.001e12 * 0.25
    assert said["compute"]["step_s"] == pytest.approx(said["compute"]["step_flops"] / per_s)
    assert said["notes"]


def test_nothing_is_left_of_a_dry_run(finished: Finished) -> None:
    before = sorted(finished.folder.rglob("*"))
    answer = command("pretrain", finished.experiment, "--plan", "--ranks", "3")
    assert answer.code == 2
    assert "8 lanes cannot be shared by 3 ranks" in answer.err
    assert command("pretrain", finished.experiment, "--plan").code == 0
    assert sorted(finished.folder.rglob("*")) == before


@pytest.mark.parametrize("words", [("--ranks", "2"), ("--json",)], ids=" ".join)
def test_assumptions_belong_to_a_dry_run(finished: Finished, words: tuple[str, ...]) -> None:
    answer = command("pretrain", finished.experiment, *words)
    assert answer.code == 2
    assert f"{words[0]} belongs to --plan; add --plan" in answer.err


def test_a_run_without_lanes_and_time_says_so(finished: Finished) -> None:
    words = ("data.order=resampled", "data.samples_per_epoch=40", "data.source=/no/{0..9}.tar")
    text = "\n".join(lines(dry_run(load_experiment(finished.experiment, words))))
    assert re.search(r"lanes +none: data.order=resampled", text)
    assert re.search(r"hours +unknown on a CPU: say --tflops N", text)
