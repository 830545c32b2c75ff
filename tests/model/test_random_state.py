"""Seeds of steps, and generators that go back to where they stood."""

import pytest
import torch

from streetclip.model.random_state import RandomState, step_seed


def test_steps_ranks_and_seeds_have_seeds_of_their_own() -> None:
    places = [(s, t, r) for s in range(3) for t in range(5) for r in range(4)]
    seeds = {step_seed(s, step=t, rank=r) for s, t, r in places}
    assert len(seeds) == len(places)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert step_seed(5, step=7, rank=1) == step_seed(5, step=7, rank=1)


def test_numbers_drawn_after_a_restore_are_those_drawn_before() -> None:
    torch.manual_seed(1)
    torch.rand(3)
    state = RandomState()
    first = torch.rand(5), torch.randperm(9)
    torch.rand(100)
    state.restore()
    again = torch.rand(5), torch.randperm(9)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_numbers_of_a_gpu_are_drawn_again_too() -> None:
    torch.rand(3, device="cuda")
    state = RandomState()
    first = torch.rand(5, device="cuda")
    torch.rand(100, device="cuda")
    state.restore()
    assert torch.equal(torch.rand(5, device="cuda"), first)
