"""Order is kept, jobs are taken as they are needed, and errors arrive."""

from collections.abc import Iterator

import pytest

from streetclip.shards.pool import in_processes


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
