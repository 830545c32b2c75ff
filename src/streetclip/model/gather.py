"""Rows of all ranks on every rank, with the gradient that belongs to them."""

from typing import Any, cast

import torch
import torch.distributed as dist
from jaxtyping import Float, Int64
from torch import Tensor


def rank_and_world() -> tuple[int, int]:
    """This process's number and how many there are; (0, 1) without a process group."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def gather_with_gradient(rows: Float[Tensor, "b d"]) -> Float[Tensor, "all_b d"]:
    """The rows of all ranks, in the order of the ranks.

    The backward pass sums what all ranks say of this rank's rows. With a loss that is the mean over
    a rank's own rows, and gradients averaged over ranks as DDP does, the result is the gradient
    of the mean over the global batch.

    Args:
        rows: As many on every rank.

    Returns:
        World size times as many rows; `rows` itself in a single process.
    """
    if rank_and_world()[1] == 1:
        return rows
    return cast(Tensor, _Gather.apply(rows))


def gather_ids(ids: Int64[Tensor, " b"]) -> Int64[Tensor, " all_b"]:
    """Whole numbers of all ranks, in the order of the ranks; as many on every rank."""
    return _all_rows(ids) if rank_and_world()[1] > 1 else ids


def mean_over_ranks(values: Float[Tensor, " k"]) -> Float[Tensor, " k"]:
    """Each value's mean over the ranks, in one message."""
    _, world = rank_and_world()
    if world == 1:
        return values
    total = values.clone()
    dist.all_reduce(total)
    return total / world


def _all_rows(rows: Tensor) -> Tensor:
    _, world = rank_and_world()
    parts = [torch.empty_like(rows) for _ in range(world)]
    dist.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.rows = len(rows)
        return _all_rows(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        start = rank_and_world()[0] * ctx.rows
        return total[start : start + ctx.rows]
