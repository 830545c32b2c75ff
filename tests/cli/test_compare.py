import json
from pathlib import Path

import pytest
from tests.commandline import command
from tests.conftest import Finished
from tests.tinyresults import write_planted

N = 200


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """A result, and one that is better."""
    return (
        write_planted(tmp_path / "a", [i >= 80 for i in range(N)], model="one"),
        write_planted(tmp_path / "b", [i >= 20 for i in range(N)], model="[two]"),
    )


def test_tables_are_printed_and_verdicts_stand_in_words(two: tuple[Path, Path]) -> None:
    answer = command("compare", *two, "--resamples", 500)
    assert (answer.code, answer.err) == (0, "")
    assert "Comparison on val (200 photographs)" in answer.out
    assert "[two] (second) less one (first)" in answer.out
    line = next(line for line in answer.out.splitlines() if "│ country" in line and "poi" in line)
    cells = [cell.strip() for cell in line.split("│")]
    assert cells[2] == "+30.0 points"
    assert cells[5:7] == ["0", "60"]
    assert cells[9] == "[two] is better"
    assert "by Holm" in answer.out


def test_the_comparison_is_written_where_one_says(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = (f"old={two[0]}", f"new={two[1]}", "--baseline", "old", "--resamples", 500)
    answer = command("compare", *words, "--out", out, "--latex")
    assert (answer.code, answer.err) == (0, "")
    assert f"comparison: {out}" in answer.out
    assert {path.name for path in out.iterdir()} == {
        "comparison.json",
        "comparison.html",
        "comparison.md",
        "comparison.tex",
    }
    (held,) = json.loads((out / "comparison.json").read_text())["comparisons"]
    assert (held["baseline"], held["resamples"], held["seed"]) == ("old", 500, 0)
    assert "| new is better |" in (out / "comparison.md").read_text()


def test_latex_without_a_folder_is_all_that_is_printed(two: tuple[Path, Path]) -> None:
    answer = command("compare", *two, "--latex", "--resamples", 500)
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "% Comparison on val (200 photographs)"
    assert "\\begin{tabular}{lrrrrrrrr}" in lines
    assert "│" not in answer.out


def test_results_without_a_partner_are_named(two: tuple[Path, Path], tmp_path: Path) -> None:
    write_planted(tmp_path / "c", [True], set_name="im2gps", shard_set_digest="d" * 64, keys=["x"])
    answer = command("compare", tmp_path, "--resamples", 500)
    assert answer.code == 0
    assert f"{tmp_path.name}/c is the only result on its photographs ('im2gps')" in answer.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the following arguments are required: [NAME=]RESULT"),
        (("a",), "a comparison needs two results or more; got: a"),
        (("a", "a/../a"), "result a/../a is given twice; got: also as a"),
        (("a", "absent"), "no result at absent; got: no such folder"),
        (("a", "b", "--baseline", "x"), "allowed: 'one', '[two]'"),
        (("a", "b", "--out", "a"), "--out a is not empty; choose a new or empty folder"),
        (("a", "b", "--resamples", "7"), "--resamples; got: 7; allowed: 100 or more"),
        (("a", "other"), "a and other are results on different photographs"),
    ],
)
def test_wrong_words_are_named(
    two: tuple[Path, Path], tmp_path: Path, words: tuple[str, ...], message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert two[0].parent == tmp_path
    write_planted(tmp_path / "other", [True], shard_set_digest="d" * 64, keys=["x"])
    monkeypatch.chdir(tmp_path)
    answer = command("compare", *words)
    assert answer.code == 2
    assert message in answer.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "other"]


def test_the_evaluated_epochs_of_a_run_are_compared(finished: Finished) -> None:
    results = sorted(path.parent for path in finished.run.rglob("results.json"))
    assert len(results) >= 2
    answer = command("compare", finished.run, "--resamples", 100, "--baseline", results[0])
    assert (answer.code, answer.err) == (0, "")
    assert "results have answered for: 12." in answer.out
    assert answer.out.count("(second) less") == len(results) - 1
