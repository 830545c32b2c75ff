"""Passes deal out every photograph once, in step."""

import pytest

from streetclip.evaluation.photographs import passes


@pytest.mark.parametrize("n", [1, 7, 8, 9, 40])
@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_each_photograph_counts_once_on_any_number_of_ranks(n: int, world: int) -> None:
    plans = [passes(n, 4, rank=rank, world=world) for rank in range(world)]
    counted = [i for plan in plans for step in plan if step.counts for i in step.indices]
    assert sorted(counted) == list(range(n))
    assert len({len(plan) for plan in plans}) == 1


def test_batches_do_not_depend_on_the_number_of_ranks() -> None:
    def batches(world: int) -> set[tuple[int, ...]]:
        plans = [passes(22, 4, rank=rank, world=world) for rank in range(world)]
        return {step.indices for plan in plans for step in plan}

    assert batches(1) == batches(2) == batches(4)


def test_an_empty_set_has_no_passes() -> None:
    assert passes(0, 4, rank=1, world=2) == []
