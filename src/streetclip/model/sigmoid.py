"""The loss that judges every image with every caption by itself: a sigmoid for each pair."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from streetclip.model.contrast import Compared, Contrast, equal_captions, share_right
from streetclip.model.wide import wide


def siglip_loss(
    image_features: Float[Tensor, "b d"],
    text_features: Float[Tensor, "b d"],
    logit_scale: Float[Tensor, ""],
    logit_bias: Float[Tensor, ""],
    caption_id: Int64[Tensor, " b"],
    *,
    every: Compared | None = None,
) -> Contrast:
    """Binary cross entropy of all pairs of an image and a caption; equal captions are positives.

    Every image of every rank meets every caption exactly once, so that images need not be
    gathered: the captions of the larger batch get their gradient from all ranks.

    Args:
        image_features: Of length 1.
        text_features: Of length 1, in the same order.
        logit_scale: What cosines are multiplied with.
        logit_bias: Added to the products; learned, because nearly all pairs are negatives.
        caption_id: Equal where captions are.
        every: What images are compared with, from `compared_with`, with captions; the pairs' own
            if None.

    Returns:
        The sum over all captions, as a mean over images, in fp32 at least. Accuracies are those
        of a choice, as with the other losses; that of captions chooses among this rank's images.

    Source: Zhai et al. 2023, arXiv 2303.15343, algorithm 1, where only the own caption is a
    positive.

    Example:
        >>> eye, ids = torch.eye(2), torch.tensor([1, 2])
        >>> loss = siglip_loss(eye, eye, torch.tensor(20.0), torch.tensor(-10.0), ids).loss
        >>> round(loss.item(), 6)  # each image: log(1 + exp(-10)), twice
        9.1e-05
    """
    every = every or Compared(image_features, text_features, caption_id=caption_id)
    with torch.autocast(image_features.device.type, enabled=False):
        products = wide(logit_scale) * wide(image_features) @ wide(every.text_features).T
        logits = products + wide(logit_bias)
        equal = equal_captions(caption_id, every.captions)
        loss = F.softplus(torch.where(equal, -logits, logits)).sum() / len(logits)
        with torch.no_grad():
            backward_scores = wide(text_features) @ wide(image_features).T
    return Contrast(
        loss=loss,
        image_to_text_accuracy=share_right(logits, equal),
        text_to_image_accuracy=share_right(backward_scores, equal_captions(caption_id, caption_id)),
        negatives=float(len(every.text_features) - 1),
    )
