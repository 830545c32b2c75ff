"""Cached accumulation: the exact gradients of a batch whose activations do not fit at once.

The loss sees a batch only through its features. So all passes run once without a graph, the loss is
taken over all their features, and then each pass runs again and carries the gradients of its own
features back into the towers. This costs one more forward pass, and no pass ever holds more than
its own activations.

Source: Gao et al. 2021, arXiv 2101.06983 (GradCache).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from streetclip.model.accumulate import Encode, Step, accumulate_plain
from streetclip.model.loss import Contrast
from streetclip.model.random_state import RandomState


def accumulate_cached(
    step: Step,
    *,
    scalars: Sequence[nn.Parameter] = (),
    between: Callable[[], None] = lambda: None,
) -> Contrast:
    """Gradients of the loss over all rows of all ranks, whatever the number of passes.

    Each trained parameter meets the last call of `backward`, so that DDP averages every gradient
    once. Both runs of a pass draw the same random numbers. A step of one pass is an ordinary one,
    without a second forward pass.

    Args:
        step: Its batch and what to do with it.
        scalars: Trained parameters that the loss uses besides features, such as the logit scale;
            they must lead to the loss through `step.contrast` alone.
        between: Called when the passes without graph are done, to undo what they wrote into the
            model, such as running statistics.

    Returns:
        Of the whole batch, without graph.
    """
    parts = step.passes
    if len(parts) == 1:
        return accumulate_plain(step)
    with torch.no_grad():
        images, texts = _Tower(step.encode_image, parts), _Tower(step.encode_text, parts)
    # Autocast keeps its casts of weights. Before https://github.com/pytorch/pytorch/pull/165068 one
    # that was made without a graph served later passes too, whose weights got no gradient. This
    # can go when no torch is allowed that lacks the change.
    torch.clear_autocast_cache()
    between()
    result = step.contrast(images.features, texts.features, slice(0, step.rows))
    wanted = [images.features, texts.features, *scalars]
    # Not by `backward`, which would count the scalars as done before DDP's last pass.
    image, text, *rest = torch.autograd.grad(result.loss, wanted, materialize_grads=True)
    for part in parts:
        is_last = part.stop == step.rows
        terms = [*images.terms(part, image), *texts.terms(part, text)]
        if is_last:
            terms += [(s * g).sum() for s, g in zip(scalars, rest, strict=True)]
        if terms:
            step.backward(sum(terms[1:], terms[0]), is_last)
    return replace(result, loss=result.loss.detach())


class _Tower:
    """Features of all rows from one tower, and how to compute those of a pass again.

    Args:
        encode: Features of some rows.
        parts: The rows of each pass.
    """

    features: Float[Tensor, "b d"]

    def __init__(self, encode: Encode, parts: Sequence[slice]) -> None:
        self._encode = encode
        self._states: dict[int, RandomState] = {}
        self._is_trained = True
        self.features = torch.cat([self._first(part) for part in parts]).requires_grad_()

    def terms(self, part: slice, gradient: Float[Tensor, "b d"]) -> list[Float[Tensor, ""]]:
        """A number whose gradient is that of the loss, through the features of one pass.

        A product of elements and not of vectors: autocast would round the latter.

        Args:
            part: Its rows.
            gradient: Of the loss, with respect to the features of all rows.

        Returns:
            The number; nothing where no parameter of the tower is trained, which the first pass
            shows, so that a locked tower runs no second time.
        """
        if not self._is_trained:
            return []
        self._states[part.start].restore()
        features = self._encode(part)
        self._is_trained = features.requires_grad
        return [(features * gradient[part]).sum()] if self._is_trained else []

    def _first(self, part: slice) -> Float[Tensor, "rows d"]:
        self._states[part.start] = RandomState()
        return self._encode(part)
