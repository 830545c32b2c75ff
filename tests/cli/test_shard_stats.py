from pathlib import Path

import pytest
from tests.commandline import Answer, command
from tests.sources import write_osv5m, write_table


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A shard set whose towns have names that a terminal could take for styles."""
    table = write_table(tmp_path / "source", 8)
    lines = table.read_text().splitlines()
    marked = [f"{line},[bold]Lyon[/bold]" for line in lines[1:]]
    table.write_text("\n".join([f"{lines[0]},town", *marked]) + "\n")
    out = tmp_path / "out"
    words = ("--val-share", "0.25", "--processes", "1")
    assert command("shards", "build", table, out, *words).code == 0
    return out


def _cells(answer: Answer, label: str) -> list[str]:
    lines = [line for line in answer.out.splitlines() if label in line]
    return [line.split("│")[2].strip() for line in lines]


def test_figures_of_every_split_are_shown(built: Path) -> None:
    answer = command("shards", "stats", built)
    assert answer.code == 0
    assert sorted(int(cell) for cell in _cells(answer, "│ photographs ")) == [2, 6]
    assert set(_cells(answer, "width, px")) == {"40 / 40 / 40 / 40 / 40"}
    assert set(_cells(answer, "height, px")) == {"32 / 32 / 32 / 32 / 32"}
    assert set(_cells(answer, "town known")) == {"100 %"}
    assert {"Namibia", "Japan", "France"} >= set(_cells(answer, "│ NA ")) == {"Namibia"}


def test_captions_are_shown_letter_by_letter(built: Path) -> None:
    answer = command("shards", "stats", built)
    assert "[bold]Lyon[/bold]" in answer.out
    again = command("shards", "stats", built)
    assert again.out == answer.out


def test_a_sample_without_a_country_has_no_caption_and_says_so(tmp_path: Path) -> None:
    folder = write_osv5m(tmp_path / "osv5m", tars=1, samples=4)
    command("shards", "index", folder)
    answer = command("shards", "stats", folder)
    assert answer.code == 0
    assert "no caption: " in answer.out
    assert _cells(answer, "country known") == ["75 %"]


def test_an_unknown_template_is_answered_with_the_known_ones(built: Path) -> None:
    answer = command("shards", "stats", built, "--captions", "poems")
    assert answer.code == 2
    assert "shipped are only street, street_facts" in answer.err
