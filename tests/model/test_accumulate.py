"""Passes of one step: their rows, weights, and what they report."""

import pytest
import torch
from torch import Tensor

from streetclip.model.accumulate import accumulate_plain, pass_slices
from streetclip.model.loss import Contrast, clip_loss


def _encode(part: slice) -> tuple[Tensor, Tensor]:
    features = torch.nn.functional.normalize(torch.randn(7, 3, generator=_generator()), dim=-1)
    return features[part], features[part].flip(1)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def _contrast(image: Tensor, text: Tensor) -> Contrast:
    return clip_loss(image, text, torch.tensor(3.0))


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
    calls: list[tuple[float, bool]] = []
    result = accumulate_plain(
        7,
        None,
        encode=_encode,
        contrast=_contrast,
        backward=lambda loss, last: calls.append((loss.item(), last)),
    )
    whole = _contrast(*_encode(slice(0, 7)))
    assert result.loss.item() == pytest.approx(whole.loss.item())
    assert result.negatives == 6
    [(loss, is_last)] = calls
    assert loss == pytest.approx(whole.loss.item())
    assert is_last


def test_passes_are_weighted_by_their_rows_and_negatives_are_those_of_the_pass() -> None:
    calls: list[tuple[float, bool]] = []
    result = accumulate_plain(
        7,
        3,
        encode=_encode,
        contrast=_contrast,
        backward=lambda loss, last: calls.append((loss.item(), last)),
    )
    parts = [_contrast(*_encode(part)) for part in (slice(0, 3), slice(3, 6), slice(6, 7))]
    weights = [3 / 7, 3 / 7, 1 / 7]
    expected = sum(w * p.loss.item() for w, p in zip(weights, parts, strict=True))
    assert result.loss.item() == pytest.approx(expected)
    assert sum(loss for loss, _ in calls) == pytest.approx(expected)
    assert [last for _, last in calls] == [False, False, True]
    assert result.negatives == pytest.approx((3 * 2 + 3 * 2 + 1 * 0) / 7)
    accuracy = sum(w * p.image_to_text_accuracy.item() for w, p in zip(weights, parts, strict=True))
    assert result.image_to_text_accuracy.item() == pytest.approx(accuracy)
