"""One optimizer step's batch in several passes through the towers.

A scheme gets `encode`, `contrast` and `backward` apart, because a scheme that keeps the negatives
of the whole step needs all features before the first backward pass.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from streetclip.model.loss import Contrast

Encode = Callable[[slice], tuple[Tensor, Tensor]]
Contrasting = Callable[[Tensor, Tensor], Contrast]
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


def accumulate_plain(
    rows: int,
    micro_batch_size: int | None,
    *,
    encode: Encode,
    contrast: Contrasting,
    backward: Backward,
) -> Contrast:
    """Gradients of the mean of the passes' losses; each pass has only its own negatives.

    With more than one pass this is another loss than that of the whole batch: a pair sees the
    negatives of its pass (over all ranks), which the returned count states.

    Args:
        rows: Of the step, on this rank.
        micro_batch_size: Rows in a pass; None takes all at once.
        encode: Image and text features of some rows.
        contrast: Their loss.
        backward: Takes a pass's part of the loss, and whether this is the last pass, after which
            gradients are averaged over ranks.

    Returns:
        Means over the rows, without graph.
    """
    parts: list[tuple[float, Contrast]] = []
    for part in pass_slices(rows, micro_batch_size):
        share = (part.stop - part.start) / rows
        result = contrast(*encode(part))
        backward(result.loss * share, part.stop == rows)
        parts.append((share, result))
    return Contrast(
        loss=_mean([(share, result.loss) for share, result in parts]),
        image_to_text_accuracy=_mean([(s, r.image_to_text_accuracy) for s, r in parts]),
        text_to_image_accuracy=_mean([(s, r.text_to_image_accuracy) for s, r in parts]),
        negatives=sum(share * result.negatives for share, result in parts),
    )


def _mean(parts: list[tuple[float, Tensor]]) -> Float[Tensor, ""]:
    return torch.stack([share * value.detach() for share, value in parts]).sum()
