"""AdamW as CLIP is trained with it, and its learning rate as a function of the step."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

from torch import nn
from torch.optim import AdamW

from streetclip.errors import ConfigError

Schedule = Literal["linear", "cosine", "constant"]

UNDECAYED = ("bn", "ln", "bias", "logit_scale")
"""Parts of names whose parameters do not decay. Source: open_clip_train/main.py."""


def parameter_groups(
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    weight_decay: float,
    lr_scale: Callable[[str], float] | None = None,
) -> list[dict[str, Any]]:
    """Trained parameters, those that decay before those that do not.

    Gains, biases, class tokens (anything with less than two axes) and the logit scale do not
    decay; embeddings do, as in open_clip.

    Args:
        named_parameters: Of a module; those without gradient are left out.
        weight_decay: Of the groups that decay.
        lr_scale: What a parameter's learning rate is multiplied with, by its name; None is 1.

    Returns:
        Up to two groups for each factor, the greatest factor first, with `lr_scale` where it was
        given; one without parameters is left out.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in named_parameters:
        if parameter.requires_grad:
            plain = parameter.ndim < 2 or any(part in name for part in UNDECAYED)
            factor = 1.0 if lr_scale is None else lr_scale(name)
            groups.setdefault((-factor, plain), []).append(parameter)
    return [
        {"params": groups[key], "weight_decay": 0.0 if key[1] else weight_decay}
        | ({} if lr_scale is None else {"lr_scale": -key[0]})
        for key in sorted(groups)
    ]


def create_adamw(
    module: nn.Module,
    *,
    lr: float,
    weight_decay: float,
    beta1: float,
    beta2: float,
    eps: float,
    fused: bool = True,
    lr_scale: Callable[[str], float] | None = None,
) -> AdamW:
    """AdamW over a module's trained parameters.

    Args:
        module: With at least one trained parameter.
        lr: Peak learning rate.
        weight_decay: Of weight matrices and embeddings.
        beta1: Decay of the gradient's mean.
        beta2: Decay of the gradient's square.
        eps: Added to the root of the square.
        fused: One kernel for all parameters where torch has one for their device.
        lr_scale: See `parameter_groups`.

    Returns:
        The optimizer.

    Raises:
        ConfigError: Values are impossible; all of them are named.
    """
    bounds = {
        "lr": (lr, 0.0, math.inf),
        "weight_decay": (weight_decay, 0.0, math.inf),
        "beta1": (beta1, 0.0, 1.0),
        "beta2": (beta2, 0.0, 1.0),
        "eps": (eps, 0.0, math.inf),
    }
    problems = [
        f"optim.{name} is {value}; allowed: {low} or more, below {high}"
        for name, (value, low, high) in bounds.items()
        if not low <= value < high
    ]
    if problems:
        raise ConfigError("the optimizer", problems)
    groups = parameter_groups(
        module.named_parameters(), weight_decay=weight_decay, lr_scale=lr_scale
    )
    for group in groups:
        group["lr"] = lr * group.pop("lr_scale", 1.0)
    devices = {parameter.device.type for group in groups for parameter in group["params"]}
    return AdamW(
        groups,
        lr=lr,
        betas=(beta1, beta2),
        eps=eps,
        fused=fused and devices <= {"cpu", "cuda"},
    )


def warmup_of(total_steps: int, *, steps: int | None, share: float) -> int:
    """Warm-up in steps: `steps` if it is given, else a share of all steps.

    Example:
        >>> warmup_of(955, steps=None, share=0.02), warmup_of(955, steps=7, share=0.02)
        (19, 7)
    """
    return round(share * total_steps) if steps is None else steps


def learning_rate_factor(
    kind: Schedule, *, total_steps: int, warmup_steps: int
) -> Callable[[int], float]:
    """What the peak learning rate is multiplied with at a step, counted from 0.

    Warm-up rises linearly and reaches 1 at its last step, so that the first step moves weights
    already; `linear` and `cosine` then fall from 1 and would reach 0 at `total_steps`.

    Args:
        kind: `linear`, `cosine` or `constant`.
        total_steps: Of the run.
        warmup_steps: Of these, at the beginning.

    Returns:
        A function of the step.

    Raises:
        ConfigError: Unknown kind, or the warm-up does not fit into the run.

    Example:
        >>> factor = learning_rate_factor("linear", total_steps=6, warmup_steps=2)
        >>> [factor(step) for step in range(7)]
        [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    problems = []
    if kind not in ("linear", "cosine", "constant"):
        problems.append(f"optim.schedule is '{kind}'; allowed: linear, cosine, constant")
    if total_steps < 1:
        problems.append(f"the run has {total_steps} steps; allowed: 1 or more")
    if not 0 <= warmup_steps <= max(total_steps, 0):
        problems.append(f"warm-up is {warmup_steps} steps; allowed: 0 to {total_steps}")
    if problems:
        raise ConfigError("the schedule", problems)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        if kind == "constant":
            return 1.0
        done = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
        return 1.0 - done if kind == "linear" else (1.0 + math.cos(math.pi * done)) / 2

    return factor
