"""Only the same photographs are compared, and what is left out is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.tinyresults import FAR, NEAR, key_of, planted

from streetclip.errors import ResultError
from streetclip.evaluation.alignment import ResultFolder, align, by_set, different_sets
from streetclip.evaluation.bootstrap import Estimate


def folder(name: str, right: list[bool], **given: Any) -> ResultFolder:
    return ResultFolder(Path(name), planted(right, **given), digest=name)


def names(sets: list[list[ResultFolder]]) -> list[list[str]]:
    return [[str(member.path) for member in members] for members in sets]


def other_keys(n: int, first: int = 0, shift: int = 0) -> list[str]:
    return [key_of(first + i, shift=shift) for i in range(n)]


def test_what_is_passed_on_shows_no_home() -> None:
    assert folder("/home/me/results/paper", [True]).shown == "paper"
    assert folder("results/paper", [True]).shown == "results/paper"


def test_results_go_together_by_the_digest_of_their_sets() -> None:
    folders = [
        folder("a", [True] * 4),
        folder("b", [True] * 4, shard_set_digest="d" * 64, keys=other_keys(4, first=50)),
        folder("c", [False] * 3),
    ]
    assert names(by_set(folders)) == [["a", "c"], ["b"]]


def test_a_set_that_was_built_anew_is_the_same_set() -> None:
    keys = other_keys(4, shift=10)[::-1]
    places = [(-60 + i * 0.01, i * 0.01) for i in (3, 2, 1, 0)]
    again = folder("b", [False] * 4, shard_set_digest="d" * 64, keys=keys, places=places)
    first = folder("a", [True, False, True, True])
    assert names(by_set([first, again])) == [["a", "b"]]
    aligned = align([first, again])
    assert aligned.n == 4
    assert aligned.columns[0]["country_accuracy"].tolist() == [1, 0, 1, 1]
    assert aligned.notes == (
        "The results are of different shard sets; photographs are matched by their keys.",
    )


def test_rows_are_matched_by_key_and_not_by_their_order() -> None:
    first = folder("a", [True, False, False])
    keys = [key_of(2), key_of(0), key_of(1)]
    places = [(-60 + i * 0.01, i * 0.01) for i in (2, 0, 1)]
    second = folder("b", [True, True, False], keys=keys, places=places)
    columns = align([first, second]).columns
    assert columns[0]["country_accuracy"].tolist() == [1, 0, 0]
    assert columns[1]["country_accuracy"].tolist() == [1, 0, 1]
    assert columns[1]["distance_km"].tolist() == [NEAR, FAR, NEAR]


def test_sets_that_overlap_go_together_only_on_request() -> None:
    first = folder("a", [True] * 4)
    part = folder("b", [True] * 3, shard_set_digest="d" * 64)
    assert names(by_set([first, part])) == [["a"], ["b"]]
    assert names(by_set([first, part], common=True)) == [["a", "b"]]
    error = str(different_sets(first, part))
    assert error == (
        "a and b are results on different photographs; got: 'val' (cccccccc, 4 photographs) and "
        "'val' (dddddddd, 3 photographs), 3 in common; allowed: results on one set; "
        "--common compares on the 3 that both have"
    )


def test_sets_that_share_nothing_have_no_remedy() -> None:
    first = folder("a", [True] * 4)
    other = folder("b", [True] * 4, shard_set_digest="d" * 64, keys=other_keys(4, first=50))
    assert names(by_set([first, other], common=True)) == [["a"], ["b"]]
    assert "--common" not in str(different_sets(first, other))
    with pytest.raises(ResultError, match="no photograph has an answer in all of a and b; got: 4"):
        align([first, other])


def test_unreadable_photographs_are_left_out_of_all_and_counted() -> None:
    first = folder("a", [True] * 3, unreadable=((key_of(3), "cut"),), photos=4)
    second = folder(
        "b", [False] * 3, keys=other_keys(3, first=1), unreadable=((key_of(0), "cut"),), photos=4,
        places=[(-60 + i * 0.01, i * 0.01) for i in (1, 2, 3)],
    )  # fmt: skip
    aligned = align([first, second])
    assert aligned.n == 2
    (note,) = aligned.notes
    assert note == (
        "Photographs without an answer in every result, left out: 2 of 4 (a has 3 and 1 not "
        "readable; b has 3 and 1 not readable)."
    )


def test_a_photograph_with_another_true_place_is_another_photograph() -> None:
    first = folder("a", [True] * 3)
    places = [(-60 + i * 0.01, i * 0.01) for i in range(2)] + [(1.0, 2.0)]
    second = folder("b", [True] * 3, places=places)
    aligned = align([first, second])
    assert aligned.n == 2
    assert aligned.notes == ("Photographs whose true place differs between results, left out: 1.",)


def test_a_file_that_stands_twice_in_a_set_is_told_apart_by_its_number() -> None:
    digest = key_of(0).partition("_")[2]
    keys = [f"00000000_{digest}", f"00000001_{digest}", key_of(2)]
    first = folder("a", [True, False, True], keys=keys)
    second = folder("b", [True, False, True], keys=keys, shard_set_digest="d" * 64)
    part = folder("c", [False, False], keys=keys[1:], places=[(-59.99, 0.01), (-59.98, 0.02)])
    assert names(by_set([first, second, part])) == [["a", "b", "c"]]
    aligned = align([first, second, part])
    assert aligned.columns[0]["country_accuracy"].tolist() == [0, 1]


def test_a_result_that_holds_a_photograph_twice_is_refused() -> None:
    twice = folder("b", [True] * 3, keys=[key_of(0), key_of(1), key_of(1)])
    with pytest.raises(ResultError, match="b holds photographs twice; got: 1 repeated keys"):
        align([folder("a", [True] * 3), twice])


def test_photographs_at_one_place_are_one_cluster() -> None:
    places = [(1.0, 2.0), (3.0, 4.0), (1.0, 2.0), (5.0, 6.0)]
    pair = [folder(name, [True] * 4, places=places) for name in ("a", "b")]
    aligned = align(pair)
    assert aligned.clusters is not None
    assert aligned.clusters.tolist() == [0, 1, 0, 2]
    assert aligned.clustered_by == "place"
    alone = align([folder("a", [True] * 4), folder("b", [True] * 4)])
    assert (alone.clusters, alone.clustered_by) == (None, "")


def test_clusters_that_a_result_names_come_first() -> None:
    clusters = ["x", None, "x", "x"]
    given = {"clusters": clusters, "clustered_by": "photographer"}
    aligned = align([folder("a", [True] * 4), folder("b", [True] * 4, **given)])
    assert aligned.clusters is not None
    assert aligned.clusters.tolist() == [0, 1, 0, 0]
    assert aligned.clustered_by == "photographer"


def test_photographs_without_coordinates_are_matched_and_stand_alone() -> None:
    def placeless(name: str) -> ResultFolder:
        result = planted([True, False, True])
        nothing = pa.array([None] * 3, pa.float64())
        table = result.predictions
        for column in ("true_latitude", "true_longitude", "distance_km"):
            table = table.set_column(table.column_names.index(column), column, nothing)
        changed = planted([True, False, True], predictions=table, values={})
        return ResultFolder(Path(name), changed, name)

    aligned = align([placeless("a"), placeless("b")])
    assert aligned.n == 3
    assert aligned.clusters is None
    assert np.isnan(aligned.columns[0]["distance_km"]).all()
    assert aligned.columns[0]["country_accuracy"].tolist() == [1, 0, 1]


def test_the_rules_of_each_result_are_followed() -> None:
    distances = [25.0, 200.0, 1000.0]
    given = {"distances": distances, "values": {}}
    strict = folder("b", [True] * 3, inclusive=False, geoscore_rounded=True, **given)
    first, second = align([folder("a", [True] * 3, **given), strict]).columns
    assert first["within_25km"].tolist() == [1, 0, 0]
    assert second["within_25km"].tolist() == [0, 0, 0]
    assert second["geoscore"].tolist() == np.round(first["geoscore"]).tolist()


def test_values_that_predictions_do_not_give_are_named() -> None:
    stated = {"geoscore": Estimate(1.0, 3), "median_km": Estimate(NEAR, 3)}
    odd = folder("b", [True] * 3, values=stated)
    (note,) = align([folder("a", [True] * 3), odd]).notes
    assert note == (
        "b states other values than its predictions give here, which are those that are compared: "
        "geoscore."
    )


@pytest.mark.parametrize("without_coordinates", [False, True])
def test_a_country_that_builds_name_differently_counts_for_nobody(
    without_coordinates: bool,
) -> None:
    def labeled(name: str, countries: list[str]) -> ResultFolder:
        table = planted([True, False, True], values={}).predictions
        changes = {"true_country": pa.array(countries)}
        if without_coordinates:
            axes = ("true_latitude", "true_longitude", "distance_km")
            changes |= dict.fromkeys(axes, pa.nulls(3, pa.float64()))
        for column, values in changes.items():
            table = table.set_column(table.column_names.index(column), column, values)
        return ResultFolder(Path(name), planted([True] * 3, predictions=table, values={}), name)

    one, other = labeled("a", ["FR", "FR", "FR"]), labeled("b", ["FR", "FR", "RE"])
    aligned = align([one, other])
    assert aligned.n == 3
    for columns in aligned.columns:
        assert np.isnan(columns["country_accuracy"]).tolist() == [False, False, True]
        assert np.isnan(columns["distance_km"]).all() == without_coordinates
    (note,) = aligned.notes
    assert note == (
        "Photographs whose true country or region is named otherwise in another result, not "
        "counted for it: 1."
    )
