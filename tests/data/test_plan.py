import itertools
import pickle
import time
from collections.abc import Sequence

import numpy as np
import pytest

from streetclip.data.plan import Plan
from streetclip.errors import PlanError

Sample = tuple[int, int]


def batch(plan: Plan, epoch: int, step: int, *, world: int = 1) -> list[Sample]:
    shares = [plan.positions(epoch, step, rank=rank, world=world) for rank in range(world)]
    return [(int(shard), int(sample)) for share in shares for shard, sample in share]


def epoch_of(plan: Plan, epoch: int) -> list[Sample]:
    return [sample for step in range(plan.steps_per_epoch) for sample in batch(plan, epoch, step)]


def written_out(
    sizes: Sequence[int], *, size: int, lanes: int, window: int, seed: int, epoch: int
) -> list[list[Sample]]:
    """The same plan the long way: the whole line as a list, cut, shuffled and dealt out."""

    def order(length: int, *, purpose: int, first: int = 0, second: int = 0) -> list[int]:
        raw = np.random.Philox(key=[seed, epoch], counter=[0, second, first, purpose])
        low = max(1, (length - 1).bit_length())
        words = [int(raw.random_raw()) >> low for _ in range(length)]
        return sorted(range(length), key=lambda position: (words[position], position))

    line = [
        (shard, sample) for shard in order(len(sizes), purpose=1) for sample in range(sizes[shard])
    ]
    turn = int(np.random.Philox(key=[seed, epoch], counter=[0, 0, 0, 2]).random_raw()) % len(line)
    line = line[turn:] + line[:turn]
    length = len(line) // lanes
    dealt = []
    for lane in range(lanes):
        part = line[lane * length : (lane + 1) * length]
        blocks = [part[start : start + window] for start in range(0, length, window)]
        dealt.append(
            [
                block[position]
                for number, block in enumerate(blocks)
                for position in order(len(block), purpose=3, first=lane, second=number)
            ]
        )
    take = size // lanes
    return [
        [sample for lane in dealt for sample in lane[step * take : (step + 1) * take]]
        for step in range(len(line) // size)
    ]


@pytest.mark.parametrize("epoch", [0, 1, 5])
@pytest.mark.parametrize(
    ("sizes", "size", "lanes", "window"),
    [([7, 0, 5, 9], 6, 3, 2), ([40], 8, 4, 3), ([3, 3, 3, 3], 4, 1, 100), ([5, 6], 11, 11, 1)],
)
def test_the_plan_is_the_line_cut_shuffled_and_dealt_out(
    sizes: list[int], size: int, lanes: int, window: int, epoch: int
) -> None:
    plan = Plan(sizes, batch_size=size, lanes=lanes, window=window, seed=3)
    expected = written_out(sizes, size=size, lanes=lanes, window=window, seed=3, epoch=epoch)
    got = [batch(plan, epoch, step) for step in range(plan.steps_per_epoch)]
    assert got == expected


def test_with_windows_of_one_the_lanes_walk_along_the_line() -> None:
    # One shard of eight, two lanes of four, one sample of each lane a step: the two samples of a
    # step are four apart, and the next step takes their neighbors.
    plan = Plan([8], batch_size=2, lanes=2, window=1, seed=0)
    steps = [batch(plan, 0, step) for step in range(4)]
    start = steps[0][0][1]
    assert steps == [[(0, (start + step) % 8), (0, (start + step + 4) % 8)] for step in range(4)]


@pytest.mark.parametrize("window", [1, 4, 512])
def test_every_sample_comes_at_most_once_an_epoch_and_the_rest_is_the_tail(window: int) -> None:
    sizes = [11, 23, 1, 30]
    plan = Plan(sizes, batch_size=6, lanes=3, window=window, seed=8)
    everything = {(shard, sample) for shard, size in enumerate(sizes) for sample in range(size)}
    for epoch in range(4):
        seen = epoch_of(plan, epoch)
        assert len(seen) == len(set(seen)) == plan.steps_per_epoch * 6
        assert set(seen) <= everything
        assert len(everything) - len(seen) == plan.tail == 65 % 6


def test_the_tail_is_other_samples_each_epoch_even_with_one_shard() -> None:
    plan = Plan([10], batch_size=4, lanes=4)
    tails = [frozenset(range(10)) - {sample for _, sample in epoch_of(plan, e)} for e in range(20)]
    assert all(len(tail) == plan.tail == 2 for tail in tails)
    assert frozenset.union(*tails) == frozenset(range(10))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    plan, other = (Plan([50, 50], batch_size=10, seed=seed) for seed in (1, 2))
    assert epoch_of(plan, 0) != epoch_of(plan, 1)
    assert epoch_of(plan, 0) != epoch_of(other, 0)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_the_global_batch_is_the_same_list_for_any_number_of_ranks(world: int) -> None:
    plan = Plan([100, 57], batch_size=12, lanes=4, window=5, seed=2)
    for epoch in range(2):
        for step in range(plan.steps_per_epoch):
            assert batch(plan, epoch, step, world=world) == batch(plan, epoch, step)


def test_a_step_does_not_depend_on_what_was_asked_before() -> None:
    sizes, forward = [64, 64, 64], Plan([64, 64, 64], batch_size=8, window=4)
    expected = {(e, s): batch(forward, e, s) for e in range(2) for s in range(24)}
    jumping = Plan(sizes, batch_size=8, window=4)
    for epoch, step in sorted(expected, key=lambda item: (item[1] * 7 % 24, item[0])):
        assert batch(jumping, epoch, step) == expected[epoch, step]
    copied = pickle.loads(pickle.dumps(jumping))
    assert batch(copied, 1, 3) == expected[1, 3]


def test_lanes_default_to_a_divisor_of_the_batch_that_suits_many_ranks() -> None:
    assert Plan([1000], batch_size=256).lanes == 64
    assert Plan([1000], batch_size=96).lanes == 96
    assert Plan([1000], batch_size=7).lanes == 1


def test_too_few_samples_are_refused_with_the_largest_possible_batch() -> None:
    with pytest.raises(PlanError, match=r"largest possible data.batch_size is 7"):
        Plan([3, 4], batch_size=8)
    with pytest.raises(PlanError, match="the shard set is empty"):
        Plan([], batch_size=8)


def test_lanes_that_do_not_divide_the_batch_are_refused() -> None:
    with pytest.raises(
        PlanError, match=r"does not divide data.batch_size 8; got: 3; allowed: 1, 2"
    ):
        Plan([100], batch_size=8, lanes=3)


def test_ranks_that_do_not_divide_the_lanes_are_refused() -> None:
    plan = Plan([100], batch_size=8, lanes=4)
    with pytest.raises(
        PlanError, match="4 lanes cannot be shared by 3 ranks; allowed: ranks 1, 2, 4"
    ):
        plan.positions(0, 0, rank=0, world=3)


@pytest.mark.parametrize(("epoch", "step"), [(0, 25), (0, -1), (-1, 0)])
def test_steps_outside_an_epoch_are_refused(epoch: int, step: int) -> None:
    with pytest.raises(PlanError, match="no such step"):
        Plan([100], batch_size=4).positions(epoch, step)


def test_ranks_outside_the_world_are_refused() -> None:
    with pytest.raises(PlanError, match="no such rank"):
        Plan([100], batch_size=4).positions(0, 0, rank=2, world=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 0}, "must be 1 or more"),
        ({"batch_size": 0, "lanes": 1}, "must be 1 or more"),
        ({"samples_per_shard": [5, -1]}, "fewer than 0 samples"),
    ],
)
def test_impossible_numbers_are_refused(change: dict[str, object], message: str) -> None:
    values = {"samples_per_shard": [100], "batch_size": 4} | change
    with pytest.raises(PlanError, match=message):
        Plan(values.pop("samples_per_shard"), **values)  # type: ignore[arg-type]


def test_the_fingerprint_is_plain_and_tells_plans_apart() -> None:
    base = Plan([100, 20], batch_size=4).fingerprint()
    assert all(type(value) in (int, str) for value in base.values())
    others = [
        Plan([20, 100], batch_size=4),
        Plan([100, 20], batch_size=8),
        Plan([100, 20], batch_size=4, lanes=2),
        Plan([100, 20], batch_size=4, window=8),
        Plan([100, 20], batch_size=4, seed=1),
    ]
    assert all(other.fingerprint() != base for other in others)
    assert Plan([100, 20], batch_size=4).fingerprint() == base


def test_a_plan_of_a_billion_samples_starts_at_once() -> None:
    sizes = [4000] * 250_000
    seconds = []
    for epoch in range(3):
        plan = Plan(sizes, batch_size=32_768, seed=epoch)
        begin = time.process_time()
        positions = plan.positions(epoch, plan.steps_per_epoch // 2)
        seconds.append(time.process_time() - begin)
    assert positions.shape == (32_768, 2)
    assert min(seconds) < 0.05


@pytest.mark.parametrize(
    ("sizes", "batch_size", "lanes", "window"),
    [
        ([20, 13, 17], 8, 4, 6),
        ([20, 13, 17], 8, 4, 512),
        ([3, 0, 2, 4, 0, 1, 9, 2] * 6, 12, 6, 5),
        ([40], 4, 1, 7),
        ([5, 90], 10, 1, 1000),
        ([30] * 9, 12, 6, 1),
    ],
)
@pytest.mark.parametrize("world", [1, 2, 3])
def test_upcoming_shards_are_those_of_every_position_ahead(
    sizes: list[int], batch_size: int, lanes: int, window: int, world: int
) -> None:
    plan = Plan(sizes, batch_size=batch_size, lanes=lanes, window=window, seed=3)
    if lanes % world:
        with pytest.raises(PlanError, match="cannot be shared"):
            next(plan.upcoming(0, 0, world=world))
        return
    spanned = batch_size // lanes // window + 2  # Windows that one step may reach into.
    for rank, start in itertools.product(range(world), (0, plan.steps_per_epoch - 1)):
        ahead = plan.upcoming(0, start, rank=rank, world=world)
        windows = list(itertools.takewhile(lambda found: found.epoch < 2, ahead))
        assert windows == sorted(windows, key=lambda found: (found.epoch, found.step))
        for epoch, step in itertools.product(range(2), range(plan.steps_per_epoch)):
            if (epoch, step) >= (0, start):
                begun = [found for found in windows if found.epoch == epoch and found.step <= step]
                named = {shard for found in begun[-spanned:] for shard in found.shards}
                read = plan.positions(epoch, step, rank=rank, world=world)[:, 0]
                assert set(read.tolist()) <= named


def test_no_shard_is_named_that_its_window_does_not_read() -> None:
    # Windows of two whole steps, so that what a window names is what these steps read.
    plan = Plan([7, 0, 12, 5, 30, 8, 10], batch_size=6, lanes=3, window=4, seed=9)
    for found in itertools.islice(plan.upcoming(0, 0), plan.steps_per_epoch // 2):
        steps = (found.step, found.step + 1)
        read = {shard for step in steps for shard in plan.positions(0, step)[:, 0].tolist()}
        assert sorted(found.shards) == sorted(read)


def test_asking_what_comes_leaves_the_plan_as_it_was() -> None:
    plan, other = (Plan([20, 13, 17], batch_size=8, lanes=4, window=6, seed=5) for _ in range(2))
    plan.positions(1, 2)
    next(plan.upcoming(0, 0))
    assert plan._epoch == 1
    np.testing.assert_array_equal(plan.positions(1, 3), other.positions(1, 3))


def test_few_of_a_billion_samples_shards_are_needed_at_a_time() -> None:
    plan = Plan([10_000] * 100_000, batch_size=32_768, seed=1)
    windows = list(itertools.islice(plan.upcoming(3, plan.steps_per_epoch // 2), 20))
    assert all(plan.lanes <= len(found.shards) <= 2 * plan.lanes for found in windows)
