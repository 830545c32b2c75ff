"""What a forward pass writes into a model besides features: the statistics of its normalizations.

A step that is skipped because its numbers are not finite has run its forward pass by then, and an
average that has seen one NaN is NaN for ever: such statistics go back to what they were.
"""

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase


class Statistics:
    """Running statistics of a model's normalizations, as they are at this moment.

    Args:
        model: The model.

    Example:
        >>> norm = nn.BatchNorm1d(1)
        >>> before = Statistics(norm)
        >>> _ = norm(torch.tensor([[torch.nan], [1.0]]))
        >>> before.restore()
        >>> norm.running_mean
        tensor([0.])
    """

    def __init__(self, model: nn.Module) -> None:
        norms = [module for module in model.modules() if isinstance(module, _NormBase)]
        self._buffers = [buffer for norm in norms for buffer in norm.buffers(recurse=False)]
        self._kept = [buffer.clone() for buffer in self._buffers]

    @torch.no_grad()
    def restore(self) -> None:
        """Take them back to what they were."""
        for buffer, kept in zip(self._buffers, self._kept, strict=True):
            buffer.copy_(kept)

    @torch.no_grad()
    def restore_where(self, condition: Bool[Tensor, ""]) -> None:
        """Take them back to what they were if a condition holds that only the device knows.

        Args:
            condition: On the device of the model.
        """
        for buffer, kept in zip(self._buffers, self._kept, strict=True):
            buffer.copy_(torch.where(condition, kept, buffer))
