"""Cached accumulation: the exact gradients of a batch whose activations do not fit at once.

The loss sees a batch only through its features. So the passes run once without a graph, the loss is
taken over all their features, and then each pass runs again and carries the gradients of its own
features back into the towers. The first pass comes after the others and keeps its graph, so that it
runs once only: that costs one more forward pass of all rows but its own, and no activations besides
those of one pass are ever held.

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
    first, *others = step.passes
    if not others:
        return accumulate_plain(step)
    images, texts = _Tower(step.encode_image), _Tower(step.encode_text)
    with torch.no_grad():
        for tower in (images, texts):
            tower.run_ahead(others)
    # Autocast keeps its casts of weights. Before https://github.com/pytorch/pytorch/pull/165068 one
    # that was made without a graph served later passes too, whose weights got no gradient. This
    # can go when no torch is allowed that lacks the change.
    torch.clear_autocast_cache()
    between()
    for tower in (images, texts):
        tower.run_first(first)
    result = step.contrast(images.features, texts.features, slice(0, step.rows))
    wanted = [images.features, texts.features, *scalars]
    # Not by `backward`, which would count the scalars as done before DDP's last pass.
    image, text, *rest = torch.autograd.grad(result.loss, wanted, materialize_grads=True)
    for part in (first, *others):
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
    """

    features: Float[Tensor, "b d"]

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._states: dict[int, RandomState] = {}
        self._ahead: list[Tensor] = []
        self._kept: Tensor | None = None
        self._is_trained = True

    def run_ahead(self, parts: Sequence[slice]) -> None:
        """Features of the passes that will run again; without a graph, as the caller has it.

        Args:
            parts: The rows of all passes but the first.
        """
        for part in parts:
            self._states[part.start] = RandomState()
            self._ahead.append(self._encode(part))

    def run_first(self, part: slice) -> None:
        """Features of the first pass, with their graph, and with them those of all rows.

        Args:
            part: Its rows.
        """
        self._kept = self._encode(part)
        self._is_trained = self._kept.requires_grad
        self.features = torch.cat([self._kept.detach(), *self._ahead]).requires_grad_()

    def terms(self, part: slice, gradient: Float[Tensor, "b d"]) -> list[Float[Tensor, ""]]:
        """A number whose gradient is that of the loss, through the features of one pass.

        A product of elements and not of vectors: autocast would round the latter.

        Args:
            part: Its rows; those of the first pass come first, and once.
            gradient: Of the loss, with respect to the features of all rows.

        Returns:
            The number; nothing where no parameter of the tower is trained, which then runs no
            second time.
        """
        features, self._kept = self._kept, None
        if not self._is_trained:
            return []
        if features is None:
            self._states[part.start].restore()
            features = self._encode(part)
        return [(features * gradient[part]).sum()]
