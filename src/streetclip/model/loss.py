"""The losses as modules of one form, over the pairs of all ranks or of this rank alone."""

from collections.abc import Mapping
from typing import Literal, get_args

from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from streetclip.errors import ModelError
from streetclip.model.contrast import Contrast, Negatives, compared_with
from streetclip.model.sigmoid import siglip_loss
from streetclip.model.softmax import clip_loss, multi_positive_loss

__all__ = [
    "ClipLoss",
    "Contrast",
    "LossKind",
    "MultiPositiveLoss",
    "Negatives",
    "SiglipLoss",
    "clip_loss",
    "equal_caption_share",
    "make_loss",
    "multi_positive_loss",
    "needs_logit_bias",
    "siglip_loss",
]

LossKind = Literal["clip", "multi_positive", "siglip"]


def make_loss(kind: str, *, negatives: Negatives = "global") -> nn.Module:
    """A loss by its name.

    All are called as ``loss(image_features, text_features, logit_scale, caption_id=...,
    logit_bias=...)`` and return a `Contrast` whose mean over ranks is the loss of the global batch:

    - ``image_features``, ``text_features``: ``[b, d]``, of length 1, the pairs of this rank in one
      order.
    - ``logit_scale``: one number, what cosines are multiplied with.
    - ``caption_id``: ``[b]``, equal where captions are. `clip` does not ask.
    - ``logit_bias``: one number, the model's. Only `siglip` asks, and raises a `ModelError` where
      there is none; in a softmax a bias cancels out.

    Args:
        kind: `clip`, `multi_positive` or `siglip`.
        negatives: `global` compares with the pairs of all ranks, `local` with this rank's.

    Returns:
        The loss.

    Raises:
        ModelError: There is no such loss.

    Example:
        >>> make_loss("triplet")
        Traceback (most recent call last):
        ...
        streetclip.errors.ModelError: loss.kind is unknown; got: triplet; allowed: clip, \
multi_positive, siglip
    """
    if kind not in _KINDS:
        raise ModelError("loss.kind is unknown", got=kind, allowed=", ".join(get_args(LossKind)))
    return _KINDS[kind](negatives)


def needs_logit_bias(kind: str) -> bool:
    """Whether a loss learns a bias, which the model must then have.

    Args:
        kind: Of `make_loss`.
    """
    return kind == "siglip"


def equal_caption_share(caption_id: Int64[Tensor, " b"]) -> Float[Tensor, ""]:
    """Share of rows whose caption stands elsewhere in the batch: false negatives of `clip`.

    Args:
        caption_id: Equal where captions are equal.

    Example:
        >>> import torch
        >>> equal_caption_share(torch.tensor([7, 8, 7, 9])).item()
        0.5
    """
    # By neighbors in order: the values that torch.unique finds have a number that a GPU must tell.
    ordered = caption_id.sort().values
    equal = ordered[1:] == ordered[:-1]
    repeated = F.pad(equal, (1, 0)) | F.pad(equal, (0, 1))
    return repeated.float().mean()


class _Loss(nn.Module):
    """What the losses share; `make_loss` says how they are called.

    Args:
        negatives: `global` gathers features with their gradient; `local` does not gather.
    """

    def __init__(self, negatives: Negatives = "global") -> None:
        super().__init__()
        self.negatives: Negatives = negatives


class ClipLoss(_Loss):
    """`clip_loss`: every other caption is a negative, also one that is equal."""

    def forward(
        self,
        image_features: Float[Tensor, "b d"],
        text_features: Float[Tensor, "b d"],
        logit_scale: Float[Tensor, ""],
        *,
        caption_id: Int64[Tensor, " b"] | None = None,
        logit_bias: Float[Tensor, ""] | None = None,
    ) -> Contrast:
        """The loss of this rank's pairs, called as `make_loss` says; it asks for neither option."""
        every = compared_with(image_features, text_features, None, negatives=self.negatives)
        return clip_loss(image_features, text_features, logit_scale, every=every)


class MultiPositiveLoss(_Loss):
    """`multi_positive_loss`: equal captions are equally right."""

    def forward(
        self,
        image_features: Float[Tensor, "b d"],
        text_features: Float[Tensor, "b d"],
        logit_scale: Float[Tensor, ""],
        *,
        caption_id: Int64[Tensor, " b"],
        logit_bias: Float[Tensor, ""] | None = None,
    ) -> Contrast:
        """The loss of this rank's pairs, called as `make_loss` says; the bias is not used."""
        every = compared_with(image_features, text_features, caption_id, negatives=self.negatives)
        return multi_positive_loss(
            image_features, text_features, logit_scale, caption_id, every=every
        )


class SiglipLoss(_Loss):
    """`siglip_loss`: every pair by itself; equal captions are positives."""

    def forward(
        self,
        image_features: Float[Tensor, "b d"],
        text_features: Float[Tensor, "b d"],
        logit_scale: Float[Tensor, ""],
        *,
        caption_id: Int64[Tensor, " b"],
        logit_bias: Float[Tensor, ""] | None = None,
    ) -> Contrast:
        """The loss of this rank's pairs, called as `make_loss` says; the bias must be there.

        Raises:
            ModelError: The model has no bias.
        """
        if logit_bias is None:
            raise ModelError(
                "loss.kind=siglip learns a bias, and the model has none",
                remedy="build it with init_logit_bias, or call model.logit_bias.train_logit_bias",
            )
        every = compared_with(
            image_features, text_features, caption_id, negatives=self.negatives, images=False
        )
        return siglip_loss(
            image_features, text_features, logit_scale, logit_bias, caption_id, every=every
        )


_KINDS: Mapping[str, type[_Loss]] = {
    "clip": ClipLoss,
    "multi_positive": MultiPositiveLoss,
    "siglip": SiglipLoss,
}
