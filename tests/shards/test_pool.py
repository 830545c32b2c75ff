"""Order is kept, jobs are taken as they are needed, and errors arrive."""

import os
from collections.abc import Iterator

import pytest

from streetclip.shards.pool import Pool, in_processes


def test_outcomes_keep_the_order_of_the_jobs() -> None:
    assert list(in_processes(abs, range(-9, 0), processes=3)) == list(range(9, 0, -1))


def test_jobs_are_taken_as_they_are_needed() -> None:
    taken = []

    def jobs() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    outcomes = in_processes(abs, jobs(), processes=2)
    assert next(outcomes) == 0
    assert len(taken) < 10
    outcomes.close()


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_a_job_is_raised(processes: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(in_processes(int, ["1", "x"], processes=processes))


def process_of(_: int) -> int:
    return os.getpid()


def test_processes_stay_from_one_kind_of_jobs_to_the_next() -> None:
    with Pool(2) as pool:
        assert list(pool.outcomes(abs, [-1, 2])) == [1, 2]
        ids = {number for _ in range(2) for number in pool.outcomes(process_of, range(8))}
    assert os.getpid() not in ids
    assert len(ids) <= 2
