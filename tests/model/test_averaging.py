"""Without DDP there is nothing to hold back; with it, test_two_ranks.py counts what is averaged."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from streetclip.model.averaging import averaging


class _Ddp(DistributedDataParallel):
    """By its type DDP, without ranks; says what it was asked."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.held = False

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        self.held = True
        yield
        self.held = False


@pytest.mark.parametrize("now", [False, True])
def test_ddp_is_held_back_in_all_passes_but_the_last(now: bool) -> None:
    model = _Ddp()
    with averaging(model, now=now):
        assert model.held is not now
    assert not model.held


@pytest.mark.parametrize("model", [None, nn.Linear(1, 1)])
def test_a_model_that_averages_nothing_is_left_alone(model: nn.Module | None) -> None:
    with averaging(model, now=False):
        pass
    with averaging(model, now=True):
        pass
