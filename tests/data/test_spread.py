"""Countries lie apart: counts by hand, the least that is possible, and still one plan for all."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streetclip.data.plan import Plan
from streetclip.data.spread import Countries, countries_at, spread

# Shards as they may come from a source that is sorted: each of few countries.
SIZES = (40, 13, 0, 27, 40)


def _sorted_by_country(shard: int) -> Countries:
    return (np.arange(SIZES[shard]) // 8 + shard).astype(np.uint16)


def _equal_pairs(countries: NDArray[np.int64]) -> int:
    _, counts = np.unique(countries, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


def _pairs_of_epoch(plan: Plan, of_shard: Callable[[int], Countries]) -> list[int]:
    return [
        _equal_pairs(countries_at(plan.positions(0, step), of_shard))
        for step in range(plan.steps_per_epoch)
    ]


def test_one_lane_of_four_countries_has_each_of_them_in_every_step() -> None:
    # Two photographs of each of four countries, in two steps of four.
    countries = np.array([[1, 1, 2, 2, 3, 3, 4, 4]])
    order, steps = np.arange(8)[None], np.array([0, 0, 0, 0, 1, 1, 1, 1])
    dealt = spread(countries, order, steps, tie=np.array([0, 1]))[0]
    assert sorted(dealt.tolist()) == list(range(8))
    assert sorted(countries[0, dealt[:4]].tolist()) == [1, 2, 3, 4]
    assert sorted(countries[0, dealt[4:]].tolist()) == [1, 2, 3, 4]


def test_lanes_know_of_each_other() -> None:
    # Each lane has one photograph for each step. If both gave France first, a step would have two.
    countries = np.array([[1, 2], [1, 2]])
    dealt = spread(countries, np.array([[0, 1], [0, 1]]), np.array([0, 1]), tie=np.array([0, 1]))
    first, second = (countries[[0, 1], dealt[:, step]].tolist() for step in (0, 1))
    assert sorted(first) == sorted(second) == [1, 2]


@pytest.mark.parametrize(("lanes", "window", "per_lane"), [(16, 64, 2), (8, 60, 7), (32, 32, 1)])
def test_equal_pairs_fall_to_nearly_the_least_that_is_possible(
    lanes: int, window: int, per_lane: int
) -> None:
    rng = np.random.default_rng(3)
    share = 1 / np.arange(1, 41)
    countries = rng.choice(40, p=share / share.sum(), size=(lanes, window))
    orders = np.stack([rng.permutation(window) for _ in range(lanes)])
    steps = np.arange(window) // per_lane

    def pairs(order: NDArray[np.int64]) -> int:
        dealt = np.take_along_axis(countries, order, axis=1)
        return sum(_equal_pairs(dealt[:, steps == step].ravel()) for step in np.unique(steps))

    # No order has fewer than one in which each country is dealt out as evenly as whole numbers
    # allow. A last step that is shorter than the others cannot have as many of all.
    counts, number = np.bincount(countries.ravel()), steps[-1] + 1
    low, more = counts // number, counts % number
    least = int(((number - more) * low * (low - 1) // 2 + more * (low + 1) * low // 2).sum())
    dealt = spread(countries, orders, steps, tie=rng.permutation(number))
    assert np.array_equal(np.sort(dealt, axis=1), np.tile(np.arange(window), (lanes, 1)))
    excess = pairs(dealt) - least
    assert 0 <= excess <= 0.1 * (pairs(orders) - least)


def test_a_plan_of_four_countries_repeats_as_few_as_it_must() -> None:
    # 32 photographs of 4 countries, dealt out to 4 steps of 8: two of each, so four equal pairs.
    four: Countries = (np.arange(32) % 4).astype(np.uint16)
    values: dict[str, Any] = {"batch_size": 8, "lanes": 4, "window": 8, "seed": 5}
    plain, apart = Plan([32], **values), Plan([32], **values, countries=lambda _: four)
    assert _pairs_of_epoch(apart, lambda _: four) == [4, 4, 4, 4]
    assert sum(_pairs_of_epoch(plain, lambda _: four)) > 16


def _plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {"batch_size": 12, "lanes": 4, "window": 5, "seed": 2}
    return Plan(SIZES, countries=_sorted_by_country, **(values | changes))


@pytest.mark.parametrize("window", [1, 5, 512])
def test_every_sample_still_comes_at_most_once_an_epoch(window: int) -> None:
    plan = _plan(window=window)
    for epoch in range(3):
        seen = np.concatenate([plan.positions(epoch, step) for step in range(plan.steps_per_epoch)])
        assert len(np.unique(seen, axis=0)) == len(seen) == plan.samples - plan.tail
        assert all(sample < SIZES[shard] for shard, sample in seen.tolist())


def test_the_batch_is_the_same_for_any_ranks_and_whatever_was_asked_before() -> None:
    forward = _plan()
    steps = range(forward.steps_per_epoch)
    expected = {(e, s): forward.positions(e, s).tolist() for e in range(2) for s in steps}
    jumping = pickle.loads(pickle.dumps(_plan()))
    for (epoch, step), batch in sorted(expected.items(), key=lambda item: item[0][1] * 7 % 11):
        assert jumping.positions(epoch, step).tolist() == batch
        for world in (2, 4):
            shares = [jumping.positions(epoch, step, rank=r, world=world) for r in range(world)]
            assert np.concatenate(shares).tolist() == batch
    assert expected[0, 0] != expected[1, 0]


def test_a_rank_reads_no_other_shards_than_without() -> None:
    plan, plain = _plan(), Plan(SIZES, batch_size=12, lanes=4, window=5, seed=2)
    for step in range(0, plan.steps_per_epoch, 2):
        named = {shard for found in _windows(plain, step) for shard in found}
        assert set(plan.positions(0, step, rank=1, world=2)[:, 0].tolist()) <= named


def _windows(plan: Plan, step: int) -> list[list[int]]:
    ahead = plan.upcoming(0, step, rank=1, world=2)
    return [next(ahead).shards for _ in range(2)]


def test_runs_with_and_without_do_not_continue_each_other() -> None:
    plain = Plan(SIZES, batch_size=12, lanes=4, window=5, seed=2).fingerprint()
    assert "spread_countries" not in plain
    assert _plan().fingerprint() == plain | {"spread_countries": 1}


def test_of_a_billion_samples_only_those_of_a_window_are_asked() -> None:
    asked: list[int] = []

    def countries(shard: int) -> Countries:
        asked.append(shard)
        return np.zeros(4000, np.uint16)

    plan = Plan([4000] * 250_000, batch_size=64, window=32, countries=countries)
    plan.positions(0, plan.steps_per_epoch // 2)
    assert plan.lanes <= len(asked) == len(set(asked)) <= 2 * plan.lanes


def test_countries_are_looked_up_where_samples_lie() -> None:
    table = [np.array([7, 8], np.uint16), np.array([9], np.uint16)]
    found = countries_at(np.array([[1, 0], [0, 1], [0, 0], [1, 0]]), table.__getitem__)
    assert found.tolist() == [9, 8, 7, 9]
