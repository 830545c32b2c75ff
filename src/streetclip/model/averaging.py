"""When the gradients of a step are averaged over ranks."""

from contextlib import AbstractContextManager, nullcontext
from typing import cast

from torch import nn
from torch.nn.parallel import DistributedDataParallel


def averaging(model: nn.Module | None, *, now: bool) -> AbstractContextManager[None]:
    """A backward pass in which gradients are averaged, or stay on their rank until one does.

    Args:
        model: As the strategy has wrapped it; only DDP averages by itself.
        now: Whether this is the last backward pass of the step.

    Returns:
        The context of the pass.
    """
    if now or not isinstance(model, DistributedDataParallel):
        return nullcontext()
    return cast(AbstractContextManager[None], model.no_sync())
