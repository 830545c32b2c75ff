from dataclasses import asdict
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.commandline import command
from tests.plainresult import plain_result
from tests.tinyshards import write_tiny_shards

from streetclip.build.leaks import LeakOptions
from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.leaks import MAX_BITS, MAX_METERS


def test_a_set_leaks_into_itself_and_every_pair_is_listed(tmp_path: Path) -> None:
    shards = write_tiny_shards(tmp_path / "set", sizes=(6,))
    out = tmp_path / "pairs.csv"
    answer = command("leaks", "--train", shards, "--data", f"mine={shards}", "--out", out)
    assert (answer.code, answer.err.count("Traceback")) == (0, 0)
    assert "6 of 6 photographs (100.0 %) are the same picture as one of 6 training" in answer.out
    assert f"pairs in {out}" in answer.out
    lines = out.read_text().splitlines()
    assert lines[0] == "kind,benchmark,train,gradient_bits,cosine_bits,km"
    assert "picture,s0_000,s0_000,0,0,0.0" in lines


def test_the_help_names_the_defaults() -> None:
    options = LeakOptions("train", "data")
    assert (options.max_bits, options.max_meters) == (MAX_BITS, MAX_METERS)
    text = " ".join(command("leaks", "--help").out.split())
    assert f"each of the two hashes (default {MAX_BITS})" in text
    assert f"the same place (default {MAX_METERS:g})" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--data", "x"), "required: --train"),
        (("--train", "absent", "--data", "x"), "no shard set at absent"),
        (("--train", "absent", "--data", "x", "--max-bits", "many"), "invalid int value"),
        (("--train", "absent", "--data", "x", "--max-bits", "99"), "allowed: 0 to 64"),
        (("--train", "absent", "--data", "im2gps="), "names no photographs"),
        (("--train", "absent", "--data", "x", "--result", "none"), "no result at none"),
    ],
)
def test_wrong_words_are_named(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("leaks", *words)
    assert answer.code == 2
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_is_told_is_shown_with_and_without_the_leaked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = {
        "train_digest": "d" * 64, "train_photos": 9, "photos": 20, "max_bits": 3,
        "max_meters": 25.0, "pictures": 2, "places": 5, "flat": 0, "unreadable": 0,
        "train_unreadable": 0,
    }  # fmt: skip
    without = {"country_accuracy": asdict(Estimate(0.25, 12, 0.125, 0.375))}
    told = plain_result(leaks=summary | {"values_without": without})
    found = Mock(return_value=(Mock(pictures=[1, 2], places=[3] * 5), summary, told))
    monkeypatch.setattr("streetclip.build.leaks.check_leaks", found)
    result, out = tmp_path / "result", tmp_path / "pairs.csv"
    words = ("--train", "t", "--data", "d", "--max-bits", "3", "--result", result, "--out", out)
    answer = command("leaks", *words)
    assert answer.code == 0
    assert found.call_args.args == (LeakOptions("t", "d", max_bits=3, result=result, out=out),)
    assert "2 of 20 photographs (10.0 %) are the same picture" in answer.out
    row = next(line for line in answer.out.splitlines() if "country" in line)
    # Every second photograph of the result has the right country.
    assert row.index("50.0 %") < row.index("25.0 %")
    assert "12.5 to 37.5" in row
    assert f"result: {result}" in answer.out
    assert f"7 pairs in {out}" in answer.out
