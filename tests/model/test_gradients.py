"""A gradient is clipped, or dropped; the third drop in a row ends a run and names culprits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from streetclip.data.side_channel import SideChannel
from streetclip.errors import NumericsError
from streetclip.model.gradients import GradientGuard
from streetclip.model.numerics import SEARCH
from streetclip.model.statistics import Statistics

BATCH: dict[str, Any] = {"keys": ["a", "b", "c", "d"], "epoch": 1, "step": 2}


def _settled(value: float, clip_norm: float | None) -> tuple[GradientGuard, nn.BatchNorm1d]:
    """After a step whose gradient is 3 and 4 times a number, and whose pass moved statistics."""
    model = nn.BatchNorm1d(2)
    statistics = Statistics(model)
    model(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    model.weight.grad = torch.tensor([3.0, 4.0]) * value
    guard = GradientGuard(SideChannel())
    guard.settle(model.parameters(), clip_norm=clip_norm, statistics=statistics)
    return guard, model


@pytest.mark.parametrize(
    ("clip_norm", "expected"), [(1.0, [0.6, 0.8]), (None, [3.0, 4.0]), (9.0, [3.0, 4.0])]
)
def test_a_gradient_is_scaled_down_to_a_norm(
    clip_norm: float | None, expected: list[float]
) -> None:
    guard, model = _settled(1.0, clip_norm)
    assert guard.norm == 5
    torch.testing.assert_close(model.weight.grad, torch.tensor(expected))
    assert model.num_batches_tracked == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("clip_norm", [1.0, None])
def test_a_gradient_that_is_not_finite_is_dropped_with_what_its_pass_left(
    value: float, clip_norm: float | None
) -> None:
    guard, model = _settled(value, clip_norm)
    assert not guard.norm.isfinite()
    assert model.weight.grad is None
    assert model.num_batches_tracked == 0


def _passes() -> Iterator[tuple[slice, Tensor, Tensor]]:
    image, text = torch.ones(4, 2), torch.ones(4, 2)
    image[3, 0], text[1, 1] = torch.nan, torch.inf
    return ((part, image[part], text[part]) for part in (slice(0, 2), slice(2, 4)))


def _judge(guard: GradientGuard, folder: Path, *, loss: float, fp16: bool = False) -> None:
    guard.judge(BATCH, torch.tensor(loss), encode=_passes, searches_scale=fp16, folder=folder)


def test_the_third_in_a_row_names_the_culprits_of_all_passes(tmp_path: Path) -> None:
    guard, _ = _settled(torch.nan, None)
    for count in (1, 2):
        _judge(guard, tmp_path, loss=torch.nan)
        assert guard.skipped.in_a_row == count
    with pytest.raises(NumericsError, match=r"epoch 1, step 2, keys a, b, c, d; .*selves: b, d;"):
        _judge(guard, tmp_path, loss=torch.nan)


def test_a_finite_gradient_begins_the_count_anew(tmp_path: Path) -> None:
    guard, _ = _settled(torch.nan, None)
    _judge(guard, tmp_path, loss=torch.nan)
    guard.norm = torch.tensor(1.0)
    _judge(guard, tmp_path, loss=1.0)
    assert guard.skipped.in_a_row == 0


def test_in_fp16_a_finite_loss_may_overflow_longer(tmp_path: Path) -> None:
    guard, _ = _settled(torch.inf, None)
    for _ in range(SEARCH):
        _judge(guard, tmp_path, loss=1.0, fp16=True)
    assert guard.skipped.in_a_row == 0
    with pytest.raises(NumericsError, match=r"have overflowed in fp16.*epoch 1, step 2"):
        _judge(guard, tmp_path, loss=1.0, fp16=True)
