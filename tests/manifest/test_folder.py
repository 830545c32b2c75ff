"""A folder of photographs: each has its row from its EXIF, or a reason for having none."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.manifest.folder import (
    are_country_folders,
    find_photographs,
    photographs_in,
    read_country_photograph,
    read_photograph,
)
from streetclip.manifest.read import read_manifest
from streetclip.records import ManifestRow, Rejection

MakePhoto = Callable[..., Path]


def test_a_folder_is_read_with_its_subfolders(
    make_photo: MakePhoto, paris: dict[int, object], tmp_path: Path
) -> None:
    make_photo("b/c.jpg", gps=paris, taken="2020:02:01 00:00:00")
    make_photo("a.jpg")
    make_photo(".hidden/d.jpg", gps=paris)
    (tmp_path / "notes.txt").write_text("no photograph")
    (tmp_path / "z.jpg").write_bytes(b"")
    manifest = read_manifest(tmp_path)
    assert [(row.name, row.month, row.heading) for row in manifest.rows] == [("b/c.jpg", 2, 270.0)]
    assert [(row.name, row.reason) for row in manifest.rejections] == [
        ("a.jpg", "no_coordinates"),
        ("z.jpg", "unreadable_image"),
    ]


def test_folders_named_by_country_give_the_country(
    make_photo: MakePhoto, paris: dict[int, object], tmp_path: Path
) -> None:
    make_photo("test/FR/a.jpg", gps=paris)
    make_photo("test/NA/b.jpg", gps=paris)
    rows = read_manifest(tmp_path).rows
    assert [row.place.country for row in rows] == ["FR", "NA"]
    make_photo("test/holidays/c.jpg", gps=paris)
    assert {row.place.country for row in read_manifest(tmp_path).rows} == {None}


def test_hidden_files_links_to_folders_and_other_endings_are_passed_over(
    make_photo: MakePhoto, tmp_path: Path
) -> None:
    for name in ("b/c.JPG", "a.png", ".a.jpg", ".git/d.jpg"):
        make_photo(name)
    (tmp_path / "a.txt").write_text("no photograph")
    (tmp_path / "round").symlink_to(tmp_path)
    assert find_photographs(tmp_path) == [tmp_path / "a.png", tmp_path / "b/c.JPG"]
    assert photographs_in(tmp_path) == [tmp_path / "a.png"]


@pytest.mark.parametrize(
    ("names", "are"),
    [
        (("FR/a.jpg", "KE/b.jpg"), True),
        (("FR/a.jpg", "FR/b.jpg"), False),
        (("FR/a.jpg", "holidays/b.jpg"), False),
        (("FR/a.jpg", "b.jpg"), False),
    ],
)
def test_two_folders_by_country_and_nothing_else_are_such_a_set(
    names: tuple[str, ...], are: bool
) -> None:
    # The folder itself is called like a country too.
    assert are_country_folders(Path("/NA"), [Path("/NA", name) for name in names]) == are


def test_of_a_photograph_by_country_only_the_country_counts(
    make_photo: MakePhoto, paris: dict[int, object], tmp_path: Path
) -> None:
    row = read_country_photograph(make_photo("KE/a.jpg", gps=paris, taken="2020:02:01"), tmp_path)
    assert isinstance(row, ManifestRow)
    assert (row.name, row.place.country, row.month) == ("KE/a.jpg", "KE", None)
    assert math.isnan(row.place.latitude)
    assert not row.place.has_point


def test_names_that_would_break_a_list_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "FR" / "a\nb.jpg"
    found = [read_photograph(path, tmp_path, country="FR"), read_country_photograph(path, tmp_path)]
    reason = ("newline_in_text", "the file's name has a control character")
    assert found == [Rejection("FR/a\nb.jpg", *reason)] * 2
    elsewhere = read_country_photograph(tmp_path / "Atlantis" / "a.jpg", tmp_path)
    assert elsewhere == Rejection(
        "Atlantis/a.jpg", "unknown_country", "its folder is called Atlantis"
    )
