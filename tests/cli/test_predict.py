import csv
import json
from pathlib import Path

import pytest
from PIL import Image
from tests.commandline import command
from tests.conftest import Finished


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two photographs, one of them with a name that looks like a style, and a damaged file."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.new("RGB", (60, 40), "teal").save(folder / "[red]a.jpg")
    Image.new("RGB", (40, 60), "gray").save(folder / "b.png")
    (folder / "damaged.jpg").write_bytes(b"no photograph")
    return folder


@pytest.fixture
def model(finished: Finished) -> tuple[object, ...]:
    """The options that name model and protocol of the finished run."""
    checkpoint = finished.run / "checkpoints" / "best.ckpt"
    return ("--model", checkpoint, "--protocol", finished.folder / "protocol.yaml")


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_folder_is_answered_photograph_by_photograph(
    photographs: Path, model: tuple[object, ...], tmp_path: Path
) -> None:
    out = tmp_path / "answers.jsonl"
    answer = command("predict", photographs, *model, "--out", out, "--top", "3")
    assert answer.code == 0
    assert "[red]a.jpg" in answer.out
    assert "damaged.jpg" in answer.out
    assert f"3 photographs in {out}" in answer.out
    first, second, damaged = _lines(out)
    assert [Path(str(row["key"])).name for row in (first, second, damaged)] == [
        "[red]a.jpg",
        "b.png",
        "damaged.jpg",
    ]
    assert str(damaged["error"]).startswith("unreadable_image: ")
    for row in (first, second):
        assert row["country"] in {"BR", "CN", "EG", "FR", "IN", "JP", "RU", "US"}
        assert row["city"]
        assert -90 <= float(str(row["latitude"])) <= 90
        assert -180 <= float(str(row["longitude"])) <= 180
        assert 1 / 8 <= float(str(row["country_probability"])) <= 1
        assert 1 / 2 <= float(str(row["city_probability"])) <= 1
        assert row["abstained"] is False
        others = row["alternatives"]
        assert isinstance(others, list)
        assert len(others) == 2
        assert row["country"] not in dict(others)


def test_one_photograph_has_the_same_answer_as_in_a_folder(
    photographs: Path, model: tuple[object, ...], tmp_path: Path
) -> None:
    alone, among = tmp_path / "alone.jsonl", tmp_path / "among.jsonl"
    command("predict", photographs / "b.png", *model, "--out", alone)
    command("predict", photographs, *model, "--out", among)
    (row,) = _lines(alone)
    other = _lines(among)[1]
    assert (row["key"], row["country"], row["city"]) == (
        other["key"],
        other["country"],
        other["city"],
    )
    assert row["country_probability"] == pytest.approx(other["country_probability"], abs=1e-5)


def test_a_table_is_answered_row_by_row_with_what_is_wrong(
    photographs: Path, model: tuple[object, ...], tmp_path: Path
) -> None:
    table = photographs / "list.csv"
    table.write_text("Image;note\nb.png;x\n;y\nabsent.jpg;z\nb.png\n")
    out = tmp_path / "answers.csv"
    assert command("predict", table, *model, "--out", out).code == 0
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["error"].partition(":")[0] for row in rows] == [
        "",
        "no_image",
        "unreadable_file",
        "malformed_row",
    ]
    assert rows[0]["key"] == str(photographs / "b.png")
    assert len(json.loads(rows[0]["alternatives"])) == 4
    assert rows[1]["key"] == "list.csv line 3"


def test_below_the_threshold_no_place_is_named(
    photographs: Path, model: tuple[object, ...], tmp_path: Path
) -> None:
    out = tmp_path / "answers.jsonl"
    answer = command("predict", photographs / "b.png", *model, "--abstain", "1", "--out", out)
    assert "abstains" in answer.out
    (row,) = _lines(out)
    assert row["abstained"] is True
    assert row["country_probability"] is not None
    for name in ("country", "region", "city", "latitude", "longitude", "city_probability"):
        assert row[name] is None


def test_a_model_without_weights_says_so(
    photographs: Path, finished: Finished, model: tuple[object, ...]
) -> None:
    answer = command(
        "predict", photographs, "--model", finished.folder / "model.json", *model[2:], "--top", "99"
    )
    assert answer.code == 0
    assert "starts from new weights" in answer.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("absent.jpg",), "no such photograph, folder or table: absent.jpg"),
        (("EMPTY",), "no photographs in"),
        (("EMPTY", "--out", "answers.txt"), "allowed: a name ending in .jsonl or .csv"),
        (("EMPTY", "--out", "absent/answers.csv"), "no such folder: absent"),
        (("EMPTY", "--abstain", "2"), "--abstain is 0 to 1, and --top is 1 or more"),
        (("EMPTY", "--top", "0"), "--abstain is 0 to 1, and --top is 1 or more"),
    ],
)
def test_wrong_words_are_answered_before_a_model_is_loaded(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    named = [str(tmp_path) if word == "EMPTY" else word for word in words]
    answer = command("predict", *named, "--model", "absent.ckpt")
    assert answer.code == 2
    assert message in answer.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"photo\na.jpg\n", "has no column image; got: photo"),
        (b"", "is empty"),
        (b"image\n", "no photographs in"),
        ("image\né.jpg\n".encode("latin-1"), "save the table as CSV in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    table = tmp_path / "list.csv"
    table.write_bytes(content)
    answer = command("predict", table, "--model", "absent.ckpt")
    assert answer.code == 2
    assert message in answer.err
