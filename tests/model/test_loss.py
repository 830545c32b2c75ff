"""The contrastive loss against open_clip's, and against tables worked by hand."""

import math

import pytest
import torch
from open_clip.loss import ClipLoss as OpenClipLoss
from torch.nn import functional as F

from streetclip.model.loss import ClipLoss, Negatives, clip_loss, equal_caption_share


def _features(rows: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, 5, generator=generator, dtype=dtype), dim=-1)


@pytest.mark.parametrize("negatives", ["global", "local"])
def test_loss_and_gradients_equal_open_clips(negatives: Negatives) -> None:
    image, text = _features(6, 1, torch.float64), _features(6, 2, torch.float64)
    scale = torch.tensor(14.3, dtype=torch.float64)
    ours = [value.clone().requires_grad_() for value in (image, text, scale)]
    theirs = [value.clone().requires_grad_() for value in (image, text, scale)]
    loss = ClipLoss(negatives)(*ours).loss
    reference = OpenClipLoss()(*theirs)
    torch.testing.assert_close(loss, reference)
    loss.backward()
    reference.backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


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
        clip_loss(
            image[rows],
            text[rows],
            scale,
            all_image_features=image,
            all_text_features=text,
            offset=rows.start,
        )
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


def test_equal_captions_are_counted_on_every_row_that_has_one() -> None:
    table = {(1, 2, 3): 0.0, (1, 1, 1, 1): 1.0, (5, 6, 5, 7, 6): 0.8}
    for ids, share in table.items():
        assert equal_caption_share(torch.tensor(ids)).item() == pytest.approx(share)
