"""Weights between those of a start model and of what training made of it (WiSE-FT).

Source: Wortsman et al., Robust fine-tuning of zero-shot models, 2022 (arXiv 2109.01903): the
weights (1 - alpha) start + alpha tuned, every one of them, keep much of what the start model knows
of other photographs, at little or no loss on those of the training.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from streetclip.errors import ModelError, ModelMismatchError
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.weights import spec_differences, state_differences


def interpolated(start: Backbone, tuned: Backbone, alpha: float) -> Backbone:
    """The model between two models.

    All weights lie on the straight line between the two, also the logit scale: what is interpolated
    is its parameter, the logarithm, so that the scale itself goes from one to the other by equal
    ratios. So do statistics of batch normalization, which are not measured anew. The ends are the
    two models bit by bit.

    Args:
        start: Where `alpha` is 0.
        tuned: Where `alpha` is 1; of the same specification, see `check_alike`.
        alpha: 0 to 1.

    Returns:
        A new model on the CPU, in evaluation mode, with the specification of the tuned one, or of
        the start where `alpha` is 0.
    """
    # The weights that it is built with are replaced, so the generator is left as it is.
    blend = rebuild_backbone(tuned.spec if alpha > 0 else start.spec, seed=0)
    blend.load_state_dict(interpolated_state(start.state_dict(), tuned.state_dict(), alpha))
    return blend.eval()


def interpolated_state(
    start: Mapping[str, Tensor], tuned: Mapping[str, Tensor], alpha: float
) -> dict[str, Tensor]:
    """Weights on the line between two, computed in fp64 and rounded once.

    Args:
        start: Where `alpha` is 0.
        tuned: Where `alpha` is 1; the same names and shapes.
        alpha: 0 to 1.

    Returns:
        Weights of the types of `start`. What is no fraction, such as a count of batches, is that of
        the nearer end.

    Raises:
        ModelError: `alpha` is no share.

    Example:
        >>> start, tuned = {"w": torch.tensor([0.0, 1.0])}, {"w": torch.tensor([1.0, 3.0])}
        >>> interpolated_state(start, tuned, 0.25)["w"]
        tensor([0.2500, 1.5000])
    """
    if not 0 <= alpha <= 1:
        raise ModelError("alpha", got=alpha, allowed="0 (the start) to 1 (the tuned model)")
    if alpha in (0, 1):
        # A sum with zero would turn -0.0 into 0.0, and what is not a number would spread.
        end = tuned if alpha else start
        return {name: value.clone() for name, value in end.items()}
    nearer = start if alpha < 0.5 else tuned
    return {
        name: torch.lerp(value.double(), tuned[name].double(), alpha).to(value.dtype)
        if value.is_floating_point()
        else nearer[name].clone()
        for name, value in start.items()
    }


def check_alike(start: Backbone, tuned: Backbone, names: tuple[str, str]) -> None:
    """Refuse two models between which there is no line.

    Args:
        start: One end.
        tuned: The other end.
        names: As the user named the two.

    Raises:
        ModelMismatchError: They have another architecture, preprocessing or other weights; all that
            differs is named.
    """
    problems = spec_differences(start.spec, tuned.spec, names)
    ours, theirs = start.preprocess, tuned.preprocess
    if ours != theirs:
        problems.append(
            f"photographs are prepared as {ours} in {names[0]} and {theirs} in {names[1]}"
        )
    if not problems:
        problems = [
            f"weights of {names[1]}, {problem}"
            for problem in state_differences(start.state_dict(), tuned.state_dict())
        ]
    if problems:
        raise ModelMismatchError(f"a line from {names[0]} to {names[1]}", problems)
