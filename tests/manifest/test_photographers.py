"""Photographers are told apart, and not told."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from streetclip.manifest.photographers import photographer_column, photographer_of
from streetclip.manifest.read import read_manifest
from streetclip.manifest.schema import Cell

NAME = "1000269685_e60e9cdfb4_1125_78841376@N00.jpg"


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (["IMG_ID", "AUTHOR", "LAT"], "AUTHOR"),
        (["id", "creator_username", " creator_id "], " creator_id "),
        (["filename", "authority"], None),
    ],
)
def test_the_column_of_photographers_is_found(header: list[str], column: str | None) -> None:
    assert photographer_column(header) == column


@pytest.mark.parametrize(
    ("cells", "name"),
    [({}, "no_account.jpg"), ({"AUTHOR": " "}, "1.jpg"), ({"AUTHOR": "nan"}, "1@N00.jpg")],
)
def test_where_nobody_knows_there_is_no_photographer(cells: Mapping[str, Cell], name: str) -> None:
    assert photographer_of(cells, name, column="AUTHOR") == {}


def test_an_account_in_a_name_is_a_photographer_and_so_is_a_cell() -> None:
    by_name = photographer_of({}, NAME)
    assert by_name == photographer_of({}, "7_78841376@N00")
    assert by_name == photographer_of({"AUTHOR": "78841376@N00"}, "1.jpg", column="AUTHOR")
    assert by_name != photographer_of({"AUTHOR": "an author"}, NAME, column="AUTHOR")
    assert "78841376" not in str(by_name)


def test_only_photographs_to_be_measured_tell_their_photographer(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / NAME)
    table = tmp_path / "im2gps3k.csv"
    table.write_text(f"filename,latitude,longitude\n{NAME},1.0,2.0\n", encoding="utf-8")
    for benchmark, expected in ((True, {"photographer"}), (False, set())):
        (row,) = read_manifest(table, preset="im2gps3k", benchmark=benchmark).rows
        assert set(row.columns) == expected


@pytest.mark.parametrize(
    ("name", "photographs", "people"), [("im2gps3k", 2997, 198), ("im2gps", 237, 231)]
)
def test_names_of_published_sets_tell_their_photographers(
    repository: Path, name: str, photographs: int, people: int
) -> None:
    path = repository.parent / "shared" / "data" / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"no table of {name} at {path}")
    with path.open(encoding="utf-8", newline="") as file:
        found = [photographer_of({}, row["filename"]) for row in csv.DictReader(file)]
    assert len(found) == photographs
    assert len({taker["photographer"] for taker in found}) == people
