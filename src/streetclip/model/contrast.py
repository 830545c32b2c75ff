"""What every loss returns, and the larger batch that a rank's pairs are compared with."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float, Int64
from torch import Tensor

from streetclip.errors import ModelError
from streetclip.model.gather import gather_ids, gather_with_gradient, rank_and_world

Negatives = Literal["global", "local"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """The loss of some pairs, means over the pairs of this rank.

    Args:
        loss: In nats a pair.
        image_to_text_accuracy: Share of images whose own caption scores best.
        text_to_image_accuracy: Share of captions whose own image scores best.
        negatives: Other captions that an image was compared with.
    """

    loss: Float[Tensor, ""]
    image_to_text_accuracy: Float[Tensor, ""]
    text_to_image_accuracy: Float[Tensor, ""]
    negatives: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything that some pairs are compared with, themselves among it.

    Args:
        image_features: What captions are compared with, of length 1; `i` is `all_b`, or the rows of
            this rank where no images were gathered.
        text_features: What images are compared with, of length 1.
        offset: Where the pairs stand in it, rows.
        caption_id: Equal where captions are; None where nobody asks.
    """

    image_features: Float[Tensor, "i d"]
    text_features: Float[Tensor, "all_b d"]
    offset: int = 0
    caption_id: Int64[Tensor, " all_b"] | None = None

    @property
    def captions(self) -> Int64[Tensor, " all_b"]:
        """`caption_id`, for a loss that asks which captions are equal.

        Raises:
            ModelError: Nobody has given it.
        """
        if self.caption_id is None:
            raise ModelError(
                "this loss asks which captions are equal", remedy="give compared_with a caption_id"
            )
        return self.caption_id


def compared_with(
    image_features: Float[Tensor, "b d"],
    text_features: Float[Tensor, "b d"],
    caption_id: Int64[Tensor, " b"] | None,
    *,
    negatives: Negatives,
    images: bool = True,
) -> Compared:
    """What the pairs of this rank are compared with.

    Args:
        image_features: Of this rank.
        text_features: Of this rank, in the same order.
        caption_id: Of this rank; 8 bytes a row are gathered. None gathers none.
        negatives: `global` gathers all ranks' rows, features with their gradient; `local` none.
        images: False gathers no images, for a loss whose captions are not compared with them all.
    """
    if negatives == "local":
        return Compared(image_features, text_features, caption_id=caption_id)
    return Compared(
        gather_with_gradient(image_features) if images else image_features,
        gather_with_gradient(text_features),
        offset=rank_and_world()[0] * len(image_features),
        caption_id=None if caption_id is None else gather_ids(caption_id),
    )


def equal_captions(
    caption_id: Int64[Tensor, " b"], all_caption_id: Int64[Tensor, " all_b"]
) -> Tensor:
    """Which rows of the larger batch have the caption of a row.

    Args:
        caption_id: Of some rows.
        all_caption_id: Of the larger batch.

    Returns:
        Boolean [b, all_b].

    Example:
        >>> import torch
        >>> equal_captions(torch.tensor([7]), torch.tensor([8, 7, 7])).tolist()
        [[False, True, True]]
    """
    return caption_id[:, None] == all_caption_id[None, :]


def share_right(scores: Float[Tensor, "b all_b"], is_right: Tensor) -> Float[Tensor, ""]:
    """Share of rows whose highest score is at one of the right places.

    Args:
        scores: With or without gradient, which is not followed.
        is_right: Boolean [b, all_b].

    Example:
        >>> import torch
        >>> share_right(torch.tensor([[1.0, 2.0], [2.0, 1.0]]), torch.eye(2) > 0).item()
        0.0
    """
    best = scores.detach().argmax(dim=1, keepdim=True)
    return is_right.gather(1, best).float().mean()
