"""Losses that choose within a batch, against torch's own and tables worked by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from streetclip.model.contrast import Compared
from streetclip.model.softmax import clip_loss, multi_positive_loss


def _features(rows: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, 5, generator=generator, dtype=dtype), dim=-1)


def test_without_any_scale_every_guess_is_equally_bad() -> None:
    result = clip_loss(_features(8, 1), _features(8, 2), torch.tensor(0.0))
    assert result.loss.item() == pytest.approx(math.log(8))
    assert result.negatives == 7


def test_accuracy_of_each_direction_counts_its_own_rows() -> None:
    image = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    text = torch.tensor([[0.8, 0.6], [0.96, 0.28]])
    # Cosines by hand: image 0 has 0.80 and 0.96; image 1 has 0.96 and 0.80. All are wrong.
    result = clip_loss(image, text, torch.tensor(1.0))
    assert result.image_to_text_accuracy == 0
    assert result.text_to_image_accuracy == 0
    swapped = clip_loss(image, text.flip(0), torch.tensor(1.0))
    assert swapped.image_to_text_accuracy == 1
    one_way = clip_loss(image, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor(1.0))
    assert one_way.image_to_text_accuracy == 0.5
    assert one_way.text_to_image_accuracy == 0.5


def test_a_part_of_the_batch_is_compared_with_all_of_it() -> None:
    image, text, scale = _features(6, 1), _features(6, 2), torch.tensor(5.0)
    whole = clip_loss(image, text, scale)
    parts = [
        clip_loss(image[rows], text[rows], scale, every=Compared(image, text, offset=rows.start))
        for rows in (slice(0, 3), slice(3, 6))
    ]
    torch.testing.assert_close(sum(part.loss for part in parts) / 2, whole.loss)
    assert {part.negatives for part in parts} == {5}


def test_the_loss_is_computed_in_fp32_under_autocast() -> None:
    image, text, scale = _features(64, 1), _features(64, 2), torch.tensor(100.0)
    reference = clip_loss(image, text, scale).loss
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = clip_loss(image, text, scale).loss
    assert result.dtype == torch.float32
    assert torch.equal(result, reference)


def _gradients(loss: torch.Tensor, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(loss, inputs)


def test_without_repeats_multi_positive_is_clip_with_its_gradients() -> None:
    image, text = _features(9, 1, torch.float64), _features(9, 2, torch.float64)
    scale = torch.tensor(14.3, dtype=torch.float64)
    inputs = [value.requires_grad_() for value in (image, text, scale)]
    ours = multi_positive_loss(image, text, scale, torch.arange(9))
    clip = clip_loss(image, text, scale)
    torch.testing.assert_close(ours.loss, clip.loss, rtol=0, atol=1e-12)
    assert ours.image_to_text_accuracy == clip.image_to_text_accuracy
    assert ours.text_to_image_accuracy == clip.text_to_image_accuracy
    assert ours.negatives == clip.negatives
    pairs = zip(_gradients(ours.loss, *inputs), _gradients(clip.loss, *inputs), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_repeated_captions_share_the_target_evenly_in_both_directions() -> None:
    image, text = _features(5, 1, torch.float64), _features(5, 2, torch.float64)
    scale = torch.tensor(7.0, dtype=torch.float64)
    # Rows 0, 2 and 4 have one caption: a third for each of them; rows 1 and 3 are alone.
    third = [1 / 3, 0.0, 1 / 3, 0.0, 1 / 3]
    alone = ([0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0])
    targets = torch.tensor([third, alone[0], third, alone[1], third], dtype=torch.float64)
    logits = scale * image @ text.T
    expected = (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2
    result = multi_positive_loss(image, text, scale, torch.tensor([3, 1, 3, 2, 3]))
    torch.testing.assert_close(result.loss, expected, rtol=0, atol=1e-12)


def test_equal_features_of_equal_captions_make_multi_positive_clip() -> None:
    # A text tower without dropout gives equal captions equal features, whose logits are equal too:
    # then it does not matter to which of them the target belongs.
    ids = torch.tensor([0, 1, 0, 2, 0, 1])
    image, captions = _features(6, 1, torch.float64), _features(3, 2, torch.float64)
    scale = torch.tensor(9.0, dtype=torch.float64)
    inputs = [value.requires_grad_() for value in (image, captions, scale)]
    ours = multi_positive_loss(image, captions[ids], scale, ids).loss
    clip = clip_loss(image, captions[ids], scale).loss
    torch.testing.assert_close(ours, clip, rtol=0, atol=1e-12)
    pairs = zip(_gradients(ours, *inputs), _gradients(clip, *inputs), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_the_caption_of_the_row_is_right_wherever_it_stands() -> None:
    # Both captions are equal, and so are both texts: the best of two equal scores is the first.
    eye, text = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    same = multi_positive_loss(eye, text, torch.tensor(1.0), torch.tensor([4, 4]))
    assert same.image_to_text_accuracy == same.text_to_image_accuracy == 1
    other = multi_positive_loss(eye, text, torch.tensor(1.0), torch.tensor([4, 5]))
    assert other.image_to_text_accuracy == other.text_to_image_accuracy == 0.5


def test_a_part_of_the_batch_knows_equal_captions_of_the_rest() -> None:
    image, text, scale = _features(6, 1), _features(6, 2), torch.tensor(5.0)
    ids = torch.tensor([1, 2, 3, 1, 1, 2])
    whole = multi_positive_loss(image, text, scale, ids)
    every = Compared(image, text, caption_id=ids)
    parts = [
        multi_positive_loss(image[rows], text[rows], scale, ids[rows], every=every)
        for rows in (slice(0, 3), slice(3, 6))
    ]
    torch.testing.assert_close(sum(part.loss for part in parts) / 2, whole.loss)
