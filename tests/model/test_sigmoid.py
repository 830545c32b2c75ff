"""The pairwise loss, against open_clip's and against sums written out."""

import math

import pytest
import torch
from open_clip.loss import SigLipLoss
from torch.nn import functional as F

from streetclip.model.sigmoid import siglip_loss


def _features(rows: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, 5, generator=generator, dtype=dtype), dim=-1)


def test_without_repeats_loss_and_gradients_equal_open_clips() -> None:
    values = [_features(6, 1, torch.float64), _features(6, 2, torch.float64)]
    values += [torch.tensor(number, dtype=torch.float64) for number in (9.0, -8.0)]
    ours = [value.clone().requires_grad_() for value in values]
    theirs = [value.clone().requires_grad_() for value in values]
    image, text, scale, bias = ours
    loss = siglip_loss(image, text, scale, bias, torch.arange(6)).loss
    reference = SigLipLoss()(*theirs)
    torch.testing.assert_close(loss, reference, rtol=0, atol=1e-12)
    torch.autograd.backward([loss, reference])
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-12)


def test_equal_captions_are_positives_of_each_other() -> None:
    # All cosines are 1, so that every logit is 3 - 1 = 2; of nine pairs five have one caption.
    same = torch.tensor([[1.0, 0.0]] * 3)
    ids = torch.tensor([7, 8, 7])
    result = siglip_loss(same, same, torch.tensor(3.0), torch.tensor(-1.0), ids)
    right, wrong = math.log1p(math.exp(-2)), math.log1p(math.exp(2))
    assert result.loss.item() == pytest.approx((5 * right + 4 * wrong) / 3)
    assert result.negatives == 2


def test_a_choice_is_right_if_it_has_the_caption() -> None:
    eye, text = torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    numbers = torch.tensor(1.0), torch.tensor(0.0)
    swapped = siglip_loss(eye, text, *numbers, torch.tensor([1, 2]))
    assert swapped.image_to_text_accuracy == swapped.text_to_image_accuracy == 0
    equal = siglip_loss(eye, text, *numbers, torch.tensor([1, 1]))
    assert equal.image_to_text_accuracy == equal.text_to_image_accuracy == 1


def test_the_loss_is_computed_in_fp32_under_autocast() -> None:
    image, text, ids = _features(64, 1), _features(64, 2), torch.arange(64)
    numbers = torch.tensor(100.0), torch.tensor(-10.0)
    reference = siglip_loss(image, text, *numbers, ids).loss
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = siglip_loss(image, text, *numbers, ids).loss
    assert result.dtype == torch.float32
    assert torch.equal(result, reference)
