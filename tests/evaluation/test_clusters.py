"""Photographs of one photographer or place are one cluster."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from streetclip.errors import ResultError
from streetclip.evaluation.clusters import cluster_names, cluster_numbers, group_of
from streetclip.evaluation.predictions import SCHEMA

HERE, THERE = (48.85, 2.35), (1.3, 103.8)


@pytest.mark.parametrize(
    ("metadata", "cluster", "group"),
    [
        ({"author": "a"}, "auto", "a"),
        ({"AUTHOR": "a", "Photographer": "p"}, "auto", "p"),
        ({"town": "Brest"}, "auto", None),
        ({"author": None}, "auto", None),
        ({"author": "a"}, "place", None),
        ({"author": "a"}, "photo", None),
        ({"author": "a", "Camera": "c"}, "camera", "c"),
    ],
)
def test_a_group_is_what_the_option_asks_for(
    metadata: dict[str, str | None], cluster: str, group: str | None
) -> None:
    assert group_of(metadata, cluster) == group


def test_photographers_come_before_places() -> None:
    names, shared = cluster_names(["a", "b", "a", "c"], [HERE, HERE, THERE, HERE], "auto")
    assert shared == "photographer"
    assert names[0] is not None
    assert names[0] == names[2]
    assert names[1] is names[3] is None


def test_a_photograph_without_photographer_goes_by_its_place() -> None:
    names, _ = cluster_names(["a", None, None, None], [HERE, HERE, HERE, None], "auto")
    assert names == [None, "place:48.85,2.35", "place:48.85,2.35", None]


def test_a_set_without_repeats_has_no_clusters() -> None:
    for cluster in ("auto", "place", "photo"):
        assert cluster_names([None, None], [HERE, THERE], cluster) == ([None, None], "")
    assert cluster_names([None, None], [HERE, HERE], "photo") == ([None, None], "")


def test_photographs_without_coordinates_stand_alone() -> None:
    assert cluster_names([None, None], [None, None], "auto") == ([None, None], "")


def test_names_of_people_do_not_appear() -> None:
    names, _ = cluster_names(["78841376@N00"] * 2, [HERE, THERE], "auto")
    assert all(name is not None and "78841376" not in name for name in names)


def test_a_column_that_no_photograph_has_is_refused() -> None:
    with pytest.raises(ResultError, match=r"clustered by 'camera'.*allowed: auto, photo, place"):
        cluster_names([None, None], [HERE, THERE], "camera")


def test_clusters_are_numbered_by_their_first_photographs() -> None:
    rows = [{"cluster": name} for name in ("b", None, "a", "b", None)]
    numbers = cluster_numbers(pa.Table.from_pylist(rows, schema=SCHEMA))
    np.testing.assert_array_equal(numbers, [0, 1, 2, 0, 3])
    alone = [{"cluster": None}] * 2
    assert cluster_numbers(pa.Table.from_pylist(alone, schema=SCHEMA)) is None


def test_im2gps3k_repeats_1056_coordinates(repository: Path) -> None:
    """Photographs less distinct coordinates; 1,532 photographs share theirs with another one."""
    path = repository.parent / "shared" / "data" / "im2gps3k.csv"
    if not path.is_file():
        pytest.skip(f"no table of IM2GPS3K at {path}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    places = [(float(row["latitude"]), float(row["longitude"])) for row in rows]
    names, shared = cluster_names([None] * len(rows), places, "auto")
    table = pa.Table.from_pylist([{"cluster": name} for name in names], schema=SCHEMA)
    numbers = cluster_numbers(table)
    assert numbers is not None
    assert shared == "place"
    assert len(rows) == 2997
    assert int(numbers.max()) + 1 == 2997 - 1056
    assert sum(name is not None for name in names) == 1532


def test_clusters_that_are_all_places_are_called_so() -> None:
    places = [(1.0, 2.0), (3.0, 4.0), (3.0, 4.0)]
    names, shared = cluster_names(["ann", None, None], places, "auto")
    assert names == [None, "place:3.0,4.0", "place:3.0,4.0"]
    assert shared == "place"
