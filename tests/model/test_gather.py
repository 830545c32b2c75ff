"""A single process is its own world; several are tested in test_two_ranks.py."""

import torch

from streetclip.model.gather import (
    gather_ids,
    gather_with_gradient,
    mean_over_ranks,
    rank_and_world,
)


def test_a_single_process_gathers_its_own_rows() -> None:
    rows = torch.ones(2, 3, requires_grad=True)
    ids = torch.tensor([4, 5])
    assert rank_and_world() == (0, 1)
    assert gather_with_gradient(rows) is rows
    assert gather_ids(ids) is ids
    assert mean_over_ranks(torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
