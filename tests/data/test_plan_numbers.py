"""Numbers of a plan that do not fit are refused with those that do."""

import numpy as np
import pytest

from streetclip.data.plan_numbers import check_numbers, check_ranks
from streetclip.errors import PlanError


def test_lanes_that_do_not_divide_the_batch_are_answered_with_those_that_do() -> None:
    with pytest.raises(PlanError, match=r"data.batch_size 12; got: 5; allowed: 1, 2, 3, 4, 6, 12"):
        check_numbers(np.array([100]), batch_size=12, lanes=5, window=1)
    check_numbers(np.array([100]), batch_size=12, lanes=6, window=1)


def test_a_batch_may_be_the_whole_set_and_no_more() -> None:
    check_numbers(np.array([3, 4]), batch_size=7, lanes=1, window=1)
    with pytest.raises(PlanError, match=r"the largest possible data.batch_size is 7"):
        check_numbers(np.array([3, 4]), batch_size=8, lanes=1, window=1)


@pytest.mark.parametrize("ranks", [0, 3, 8])
def test_ranks_that_do_not_divide_the_lanes_are_answered_with_those_that_do(ranks: int) -> None:
    with pytest.raises(PlanError, match=f"shared by {ranks} ranks; allowed: ranks 1, 2, 4"):
        check_ranks(4, ranks)
