"""Passes of one step: their rows, weights, and what they report."""

import pytest
import torch
from torch import Tensor

from streetclip.model.accumulate import Step, accumulate_plain, pass_slices
from streetclip.model.loss import Contrast, clip_loss


def _image(part: slice) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.nn.functional.normalize(torch.randn(7, 3, generator=generator), dim=-1)[part]


def _text(part: slice) -> Tensor:
    return _image(part).flip(1)


def _contrast(image: Tensor, text: Tensor, part: slice) -> Contrast:
    assert len(image) == len(text) == part.stop - part.start
    return clip_loss(image, text, torch.tensor(3.0))


def _plain(micro: int | None) -> tuple[Contrast, list[tuple[float, bool]]]:
    """The result, and what each call of the backward pass got."""
    calls: list[tuple[float, bool]] = []

    def backward(loss: Tensor, is_last: bool) -> None:
        calls.append((loss.item(), is_last))

    return accumulate_plain(Step(7, micro, _image, _text, _contrast, backward)), calls


@pytest.mark.parametrize(
    ("rows", "micro", "table"),
    [
        (4, None, [(0, 4)]),
        (4, 2, [(0, 2), (2, 4)]),
        (7, 3, [(0, 3), (3, 6), (6, 7)]),
        (2, 9, [(0, 2)]),
    ],
)
def test_passes_cover_every_row_once(
    rows: int, micro: int | None, table: list[tuple[int, int]]
) -> None:
    assert [(part.start, part.stop) for part in pass_slices(rows, micro)] == table


def test_one_pass_is_the_loss_of_the_whole_batch() -> None:
    result, calls = _plain(None)
    every = slice(0, 7)
    whole = _contrast(_image(every), _text(every), every)
    assert result.loss.item() == pytest.approx(whole.loss.item())
    assert result.negatives == 6
    [(loss, is_last)] = calls
    assert loss == pytest.approx(whole.loss.item())
    assert is_last


def test_passes_are_weighted_by_their_rows_and_negatives_are_those_of_the_pass() -> None:
    result, calls = _plain(3)
    slices = (slice(0, 3), slice(3, 6), slice(6, 7))
    parts = [_contrast(_image(part), _text(part), part) for part in slices]
    weights = [3 / 7, 3 / 7, 1 / 7]
    expected = sum(w * p.loss.item() for w, p in zip(weights, parts, strict=True))
    assert result.loss.item() == pytest.approx(expected)
    assert sum(loss for loss, _ in calls) == pytest.approx(expected)
    assert [last for _, last in calls] == [False, False, True]
    assert result.negatives == pytest.approx((3 * 2 + 3 * 2 + 1 * 0) / 7)
    accuracy = sum(w * p.image_to_text_accuracy.item() for w, p in zip(weights, parts, strict=True))
    assert result.image_to_text_accuracy.item() == pytest.approx(accuracy)
