"""Losses that choose among the captions, and among the images, of a batch: softmax in both ways."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from streetclip.model.contrast import Compared, Contrast, equal_captions, share_right
from streetclip.model.wide import wide


def clip_loss(
    image_features: Float[Tensor, "b d"],
    text_features: Float[Tensor, "b d"],
    logit_scale: Float[Tensor, ""],
    *,
    every: Compared | None = None,
) -> Contrast:
    """Symmetric InfoNCE of pairs against a larger batch that contains them.

    Args:
        image_features: Of length 1.
        text_features: Of length 1, in the same order.
        logit_scale: What cosines are multiplied with.
        every: What they are compared with, from `compared_with`; each other if None.

    Returns:
        Half of the two cross entropies, and accuracies, in fp32 at least, whatever autocast says.

    Source: Radford et al. 2021, arXiv 2103.00020, figure 3.

    Example:
        >>> eye = torch.eye(2)
        >>> result = clip_loss(eye, eye, torch.tensor(10.0))
        >>> round(result.loss.item(), 6), result.image_to_text_accuracy.item(), result.negatives
        (4.5e-05, 1.0, 1.0)
    """
    every = every or Compared(image_features, text_features)
    with torch.autocast(image_features.device.type, enabled=False):
        scale = wide(logit_scale)
        image_logits = scale * wide(image_features) @ wide(every.text_features).T
        text_logits = scale * wide(text_features) @ wide(every.image_features).T
        own = torch.arange(len(image_logits), device=image_logits.device) + every.offset
        loss = (F.cross_entropy(image_logits, own) + F.cross_entropy(text_logits, own)) / 2
    return Contrast(
        loss=loss,
        image_to_text_accuracy=_accuracy(image_logits, own),
        text_to_image_accuracy=_accuracy(text_logits, own),
        negatives=float(len(every.text_features) - 1),
    )


def multi_positive_loss(
    image_features: Float[Tensor, "b d"],
    text_features: Float[Tensor, "b d"],
    logit_scale: Float[Tensor, ""],
    caption_id: Int64[Tensor, " b"],
    *,
    every: Compared | None = None,
) -> Contrast:
    """Symmetric cross entropy in which every row with an equal caption is as right as the own one.

    The targets of a row are the same in both directions: one over the number of rows that have its
    caption, at each of them. Where no caption repeats this is `clip_loss`.

    Args:
        image_features: Of length 1.
        text_features: Of length 1, in the same order.
        logit_scale: What cosines are multiplied with.
        caption_id: Equal where captions are.
        every: What they are compared with, from `compared_with`, with captions; each other if None.

    Returns:
        Half of the two cross entropies, in fp32 at least. An answer counts as right if it has the
        caption of the row.

    Source: Khosla et al. 2020, arXiv 2004.11362, equation 2 (the mean over positives outside of
    the logarithm), with equality of captions instead of labels.

    Example:
        >>> eye, same = torch.eye(2), torch.tensor([5, 5])
        >>> round(multi_positive_loss(eye, eye, torch.tensor(0.0), same).loss.item(), 4)
        0.6931
    """
    every = every or Compared(image_features, text_features, caption_id=caption_id)
    with torch.autocast(image_features.device.type, enabled=False):
        scale = wide(logit_scale)
        image_logits = scale * wide(image_features) @ wide(every.text_features).T
        text_logits = scale * wide(text_features) @ wide(every.image_features).T
        equal = equal_captions(caption_id, every.captions)
        # A row's share of every product with a right answer, over both directions and all rows.
        weight = 1 / (equal.sum(dim=1) * 2 * len(equal)).to(image_logits.dtype)
        right = torch.where(equal, image_logits + text_logits, 0).sum(dim=1)
        all_of_it = image_logits.logsumexp(dim=1) + text_logits.logsumexp(dim=1)
        loss = all_of_it.mean() / 2 - (right * weight).sum()
    return Contrast(
        loss=loss,
        image_to_text_accuracy=share_right(image_logits, equal),
        text_to_image_accuracy=share_right(text_logits, equal),
        negatives=float(len(every.text_features) - 1),
    )


def _accuracy(logits: Tensor, own: Tensor) -> Tensor:
    return (logits.detach().argmax(dim=1) == own).float().mean()
