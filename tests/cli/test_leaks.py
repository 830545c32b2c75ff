from pathlib import Path

import pytest
from tests.commandline import command
from tests.tinyshards import write_tiny_shards

from streetclip.build.leaks import LeakOptions
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
