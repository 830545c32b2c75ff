"""Numbers in fp32 at least: what sums over many numbers is not left to a narrow dtype."""

import torch
from torch import Tensor


def wide(values: Tensor) -> Tensor:
    """The numbers in fp32, or as they are where they are wider.

    Args:
        values: Of a floating dtype.

    Example:
        >>> wide(torch.ones(1, dtype=torch.bfloat16)).dtype, wide(torch.ones(1).double()).dtype
        (torch.float32, torch.float64)
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))
