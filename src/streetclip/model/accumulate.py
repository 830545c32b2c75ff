"""One optimizer step's batch in several passes through the towers: what a scheme gets, and plain.

A scheme gets `encode_image`, `encode_text`, `contrast` and `backward` apart, because one that keeps
the negatives of the whole step (`model/cached.py`) needs all features before the first backward
pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from streetclip.model.loss import Contrast

Mode = Literal["cached", "plain"]
Encode = Callable[[slice], Tensor]
Contrasting = Callable[[Tensor, Tensor, slice], Contrast]
Backward = Callable[[Tensor, bool], None]


def pass_slices(rows: int, micro_batch_size: int | None) -> Iterator[slice]:
    """The rows of each pass; the last one may be shorter.

    Args:
        rows: Of the step, on this rank.
        micro_batch_size: Rows in a pass; None takes all at once.

    Example:
        >>> list(pass_slices(5, 2))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    size = micro_batch_size or rows
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))


@dataclass(frozen=True, slots=True)
class Step:
    """What one rank does in an optimizer step, for a scheme to put in order.

    Args:
        rows: Of the step, on this rank.
        micro_batch_size: Rows in a pass; None takes all at once.
        encode_image: Features of some rows' images.
        encode_text: Features of the same rows' captions.
        contrast: Loss of image and text features, and which rows these are.
        backward: Takes a pass's part of the loss, and whether this is the last pass, after which
            gradients are averaged over ranks.
    """

    rows: int
    micro_batch_size: int | None
    encode_image: Encode
    encode_text: Encode
    contrast: Contrasting
    backward: Backward

    @property
    def passes(self) -> list[slice]:
        """The rows of each pass."""
        return list(pass_slices(self.rows, self.micro_batch_size))


def accumulate_plain(step: Step) -> Contrast:
    """Gradients of the mean of the passes' losses; each pass has only its own negatives.

    With more than one pass this is another loss than that of the whole batch: a pair sees the
    negatives of its pass (over all ranks), which the returned count states.

    Args:
        step: Its batch and what to do with it.

    Returns:
        Means over the rows, without graph.
    """
    parts: list[tuple[float, Contrast]] = []
    for part in step.passes:
        share = (part.stop - part.start) / step.rows
        result = step.contrast(step.encode_image(part), step.encode_text(part), part)
        step.backward(result.loss * share, part.stop == step.rows)
        parts.append((share, result))
    return Contrast(
        loss=_mean([(share, result.loss) for share, result in parts]),
        image_to_text_accuracy=_mean([(s, r.image_to_text_accuracy) for s, r in parts]),
        text_to_image_accuracy=_mean([(s, r.text_to_image_accuracy) for s, r in parts]),
        negatives=sum(share * result.negatives for share, result in parts),
    )


def _mean(parts: list[tuple[float, Tensor]]) -> Float[Tensor, ""]:
    return torch.stack([share * value.detach() for share, value in parts]).sum()
