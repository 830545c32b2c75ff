"""What stands beside a shard set says what is not in it."""

import csv
from pathlib import Path

from streetclip.manifest.labels import Disagreement
from streetclip.records import Rejection
from streetclip.shards.lists import benchmark_option, write_disagreements


def test_missing_photographs_have_a_name_and_where_they_are_there_a_reason() -> None:
    rejections = [
        Rejection("a.jpg", "missing_file", "nowhere"),
        Rejection("b.jpg", "unreadable_image"),
        Rejection("c.jpg", "duplicate_row", "listed before"),
    ]
    said = benchmark_option(None, 10, rejections, ("d.jpg",))["benchmark"]
    assert said == {
        "preset": None,
        "photographs": 9,
        "missing": ["a.jpg", "b.jpg (unreadable_image)"],
        "surplus": ["d.jpg"],
    }


def test_no_folder_of_a_home_is_passed_on_in_a_result() -> None:
    rejections = [Rejection("/home/me/a.jpg", "missing_file"), Rejection("set/b.jpg", "too_small")]
    said = benchmark_option(None, 2, rejections, ())["benchmark"]
    assert said["missing"] == ["a.jpg", "set/b.jpg (too_small)"]


def test_disagreements_have_a_column_a_field(tmp_path: Path) -> None:
    write_disagreements(tmp_path / "d.csv", [Disagreement("a", 1.0, 2.0, "country", "FR", "DE")])
    with (tmp_path / "d.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["given"] == "FR"
    assert list(row) == ["name", "latitude", "longitude", "field", "given", "located"]
