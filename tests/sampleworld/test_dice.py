"""Claims about draws."""

from collections import Counter

from streetclip.sampleworld.dice import Dice


def test_draws_are_the_same_on_every_machine() -> None:
    dice = Dice("photo", 1, 2)
    assert [dice.integer(1000) for _ in range(5)] == EXPECTED


# Written down once; another value would change every sample world that was ever built.
EXPECTED = [915, 893, 771, 240, 780]


def test_another_key_is_another_stream() -> None:
    first, second = Dice("a", 1), Dice("a", 2)
    assert [first.unit() for _ in range(4)] != [second.unit() for _ in range(4)]


def test_parts_of_a_key_do_not_run_together() -> None:
    assert Dice("a", "bc").unit() != Dice("ab", "c").unit()


def test_integers_cover_their_range_evenly() -> None:
    dice = Dice("even")
    counts = Counter(dice.integer(5) for _ in range(5000))
    assert set(counts) == set(range(5))
    assert all(900 < count < 1100 for count in counts.values())


def test_weights_decide_how_often_an_item_is_drawn() -> None:
    dice = Dice("weights")
    counts = Counter(dice.weighted("abc", (1.0, 0.0, 3.0)) for _ in range(4000))
    assert counts["b"] == 0
    assert 2.6 < counts["c"] / counts["a"] < 3.4


def test_a_bell_has_its_width_and_ends() -> None:
    dice = Dice("bell")
    values = [dice.bell(2.0) for _ in range(4000)]
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    assert abs(mean) < 0.1
    assert 1.9 < spread < 2.1
    assert max(map(abs, values)) < 7.0
