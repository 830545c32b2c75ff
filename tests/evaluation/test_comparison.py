"""A comparison holds values, differences and what a reader must know."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tinyresults import planted

from streetclip.errors import InputError
from streetclip.evaluation.alignment import ResultFolder
from streetclip.evaluation.comparison import Comparison, compare

N = 300


def right(wrong: int) -> list[bool]:
    """Photographs of which the first few are answered wrong."""
    return [i >= wrong for i in range(N)]


def folder(name: str, wrong: int, **given: Any) -> ResultFolder:
    result = planted(right(wrong), model=name, **given)
    return ResultFolder(Path("results") / name, result, digest=name * 8)


def compared(*folders: ResultFolder, **given: Any) -> Comparison:
    return compare(folders, **{"resamples": 2000, **given})


@pytest.fixture(scope="module")
def three() -> Comparison:
    return compared(folder("a", 90), folder("b", 90), folder("c", 30))


def test_without_a_baseline_all_are_compared_with_each_other(three: Comparison) -> None:
    pairs = [(pair.first, pair.second) for pair in three.pairs]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    assert three.baseline is None
    # Regions are not known here, so that eight of nine values are left.
    assert three.family == 3 * 8


def test_with_a_baseline_the_others_are_compared_with_it() -> None:
    found = compared(folder("a", 90), folder("b", 90), folder("c", 30), baseline="b")
    assert [(pair.first, pair.second) for pair in found.pairs] == [("b", "a"), ("b", "c")]
    assert found.baseline == "b"
    assert found.family == 2 * 8


def test_a_planted_difference_is_told_by_the_name_of_the_better(three: Comparison) -> None:
    same, apart, _ = three.pairs
    assert {same.better(name) for name in same.differences} == {""}
    country = apart.differences["country_accuracy"]
    assert (country.first_only, country.second_only) == (0, 60)
    assert country.value == pytest.approx(0.2)
    assert apart.better("country_accuracy") == apart.better("geoscore") == "c"


def test_values_are_on_the_common_photographs(three: Comparison) -> None:
    assert three.n == N
    assert three.title == "val (300 photographs)"
    accuracy = [entrant.values["country_accuracy"].value for entrant in three.entrants]
    assert accuracy == pytest.approx([0.7, 0.7, 0.9])
    assert three.entrants[0].values["region_accuracy"].value is None


def test_the_title_says_that_photographs_of_the_set_are_left_out() -> None:
    first, second = folder("a", 90), folder("b", 80)
    part = planted(right(0)[:100], model="c")
    shorter = ResultFolder(Path("c"), part, "c")
    assert compared(first, shorter).title == "val (partial: 100 of 300 photographs)"
    known = replace(first.result, set_name="im2gps", set_photos=310, missing=("x",) * 10)
    entrant = replace(first, result=known)
    assert compared(entrant, second).title == "IM2GPS (partial: 300 of 310 photographs)"


def test_entrants_say_where_they_come_from(three: Comparison) -> None:
    first = three.entrants[0]
    assert (first.folder, first.digest, first.label) == ("results/a", "a" * 8, "a")
    assert (first.weights_digest, first.shard_set_digest) == ("a" * 64, "c" * 64)
    assert (first.protocol, first.decoding, first.photos) == ("paper", "greedy", N)


def test_the_notes_state_photographs_draws_tests_and_family(three: Comparison) -> None:
    notes = " ".join(three.notes)
    assert "Photographs that all 3 results have answered for: 300." in notes
    assert "paired bootstrap over photographs, the same 2,000 draws for all models" in notes
    assert "the mid-p value of McNemar's test;" in notes
    assert (
        "by Holm, over the family of all 24 differences of this table (8 values, 3 pairs)" in notes
    )
    assert "differ in their" not in notes
    assert "take more" not in notes


def test_clusters_are_stated() -> None:
    places = [(float(i // 3 % 80), 0.0) for i in range(N)]
    found = compared(folder("a", 90, places=places), folder("b", 80, places=places))
    assert (found.clusters, found.clustered_by) == (80, "place")
    notes = " ".join(found.notes)
    assert "over 80 clusters of photographs of one place" in notes
    assert "McNemar's test, clusters turned as a whole;" in notes


def test_other_protocols_and_decodings_are_compared_and_stated() -> None:
    other = folder("b", 80, protocol="ours", protocol_digest="e" * 64, decoding="beam")
    notes = compared(folder("a", 90), other).notes
    assert (
        "The results differ in their protocols: a: paper (bbbbbbbb); b: ours (eeeeeeee)." in notes
    )
    assert "The results differ in their decodings: a: greedy; b: beam." in notes


def test_too_few_draws_for_a_large_family_are_stated() -> None:
    folders = [folder(name, 10 * i) for i, name in enumerate("abcd")]
    notes = compared(*folders, resamples=1000).notes
    assert any("1,000 draws can show no adjusted p below 0.10" in note for note in notes)


def test_the_same_seed_gives_the_same_comparison() -> None:
    first, second = folder("a", 90), folder("b", 70)
    assert compared(first, second, seed=3) == compared(first, second, seed=3)
    assert compared(first, second, seed=3) != compared(first, second, seed=4)


def test_a_baseline_that_is_no_result_is_refused() -> None:
    with pytest.raises(InputError, match="--baseline x means 0 results"):
        compared(folder("a", 1), folder("b", 2), baseline="x")
