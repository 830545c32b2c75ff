"""Photographs are known again in another build of their set, also where a file stands twice."""

from tests.tinyresults import key_of, planted

from streetclip.evaluation.asked import photograph_keys


def test_keys_of_one_set_stay_as_they_are() -> None:
    results = [planted([True] * 3), planted([False] * 2)]
    expected = [key_of(0), key_of(1), key_of(2)]
    assert photograph_keys(results) == [expected, expected[:2]]


def test_another_build_is_matched_by_the_digests_of_its_files() -> None:
    first = planted([True] * 3)
    second = planted([True] * 2, keys=[key_of(2, shift=7), key_of(0, shift=7)])
    other = planted([True], shard_set_digest="e" * 64)
    assert first.shard_set_digest != other.shard_set_digest
    one, two, _ = photograph_keys([first, second, other])
    assert two == [one[2], one[0]]


def test_files_that_stand_twice_are_known_by_their_places_whatever_their_numbers() -> None:
    digest = key_of(0).partition("_")[2]
    here, there = (1.0, 2.0), (3.0, 4.0)
    first = planted(
        [True] * 4,
        keys=[f"0_{digest}", f"1_{digest}", f"2_{digest}", key_of(5)],
        places=[here, there, here, there],
    )
    second = planted(
        [True] * 4,
        keys=[key_of(5, shift=3), f"7_{digest}", f"8_{digest}", f"9_{digest}"],
        places=[there, here, here, there],
        shard_set_digest="e" * 64,
    )
    # A third that holds a part of them does not change how the others are called.
    part = planted([True], keys=[f"3_{digest}"], places=[there], shard_set_digest="f" * 64)
    one, two, three = photograph_keys([first, second, part])
    assert len(set(one)) == 4
    assert {*one} == {*two}
    assert one.index(three[0]) == 1
    assert two.index(three[0]) == 3
    assert photograph_keys([first, second]) == [one, two]
