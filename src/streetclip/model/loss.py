"""The symmetric contrastive loss, and what of it is worth logging."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from streetclip.model.gather import gather_with_gradient, rank_and_world

Negatives = Literal["global", "local"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """The loss of some pairs, means over the pairs of this rank.

    Args:
        loss: Half of the two cross entropies, in nats.
        image_to_text_accuracy: Share of images whose own caption scores best.
        text_to_image_accuracy: Share of captions whose own image scores best.
        negatives: Other captions that an image was compared with.
    """

    loss: Float[Tensor, ""]
    image_to_text_accuracy: Float[Tensor, ""]
    text_to_image_accuracy: Float[Tensor, ""]
    negatives: float


def clip_loss(
    image_features: Float[Tensor, "b d"],
    text_features: Float[Tensor, "b d"],
    logit_scale: Float[Tensor, ""],
    *,
    all_image_features: Float[Tensor, "all_b d"] | None = None,
    all_text_features: Float[Tensor, "all_b d"] | None = None,
    offset: int = 0,
) -> Contrast:
    """Symmetric InfoNCE of pairs against a larger batch that contains them.

    Args:
        image_features: Of length 1.
        text_features: Of length 1, in the same order.
        logit_scale: What cosines are multiplied with.
        all_image_features: Everything that captions are compared with; the images if None.
        all_text_features: Everything that images are compared with; the captions if None.
        offset: Where the pairs stand in the larger batch.

    Returns:
        Loss and accuracies, in fp32 at least, whatever autocast says.

    Source: Radford et al. 2021, arXiv 2103.00020, figure 3.

    Example:
        >>> eye = torch.eye(2)
        >>> result = clip_loss(eye, eye, torch.tensor(10.0))
        >>> round(result.loss.item(), 6), result.image_to_text_accuracy.item(), result.negatives
        (4.5e-05, 1.0, 1.0)
    """
    every_image = image_features if all_image_features is None else all_image_features
    every_text = text_features if all_text_features is None else all_text_features
    with torch.autocast(image_features.device.type, enabled=False):
        scale = _wide(logit_scale)
        image_logits = scale * _wide(image_features) @ _wide(every_text).T
        text_logits = scale * _wide(text_features) @ _wide(every_image).T
        own = torch.arange(len(image_logits), device=image_logits.device) + offset
        loss = (F.cross_entropy(image_logits, own) + F.cross_entropy(text_logits, own)) / 2
    return Contrast(
        loss=loss,
        image_to_text_accuracy=_accuracy(image_logits, own),
        text_to_image_accuracy=_accuracy(text_logits, own),
        negatives=float(len(every_text) - 1),
    )


def equal_caption_share(caption_id: Int64[Tensor, " b"]) -> Float[Tensor, ""]:
    """Share of rows whose caption stands elsewhere in the batch: false negatives of the loss.

    Args:
        caption_id: Equal where captions are equal.

    Example:
        >>> equal_caption_share(torch.tensor([7, 8, 7, 9])).item()
        0.5
    """
    _, place, counts = torch.unique(caption_id, return_inverse=True, return_counts=True)
    repeated: Tensor = counts[place] > 1
    return repeated.float().mean()


class ClipLoss(nn.Module):
    """`clip_loss` over the pairs of all ranks, or of this rank alone.

    Args:
        negatives: `global` gathers features with their gradient; `local` does not gather.
    """

    def __init__(self, negatives: Negatives = "global") -> None:
        super().__init__()
        self.negatives = negatives

    def forward(
        self,
        image_features: Float[Tensor, "b d"],
        text_features: Float[Tensor, "b d"],
        logit_scale: Float[Tensor, ""],
        *,
        caption_id: Int64[Tensor, " b"] | None = None,
        logit_bias: Float[Tensor, ""] | None = None,
    ) -> Contrast:
        """The loss of this rank's pairs; its mean over ranks is that of the global batch.

        Args:
            image_features: Of length 1.
            text_features: Of length 1, in the same order.
            logit_scale: What cosines are multiplied with.
            caption_id: Equal where captions are; this loss does not ask.
            logit_bias: Cancels out in a softmax; not used.
        """
        if self.negatives == "local":
            return clip_loss(image_features, text_features, logit_scale)
        return clip_loss(
            image_features,
            text_features,
            logit_scale,
            all_image_features=gather_with_gradient(image_features),
            all_text_features=gather_with_gradient(text_features),
            offset=rank_and_world()[0] * len(image_features),
        )


def _wide(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _accuracy(logits: Tensor, own: Tensor) -> Tensor:
    return (logits.detach().argmax(dim=1) == own).float().mean()
