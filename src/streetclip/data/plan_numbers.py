"""Whether the numbers of a plan fit together."""

import math

from jaxtyping import Int64
from numpy import ndarray

from streetclip.errors import PlanError


def check_numbers(
    sizes: Int64[ndarray, " shards"], *, batch_size: int, lanes: int, window: int
) -> None:
    """Refuse a plan that cannot be made.

    Args:
        sizes: Samples in each shard.
        batch_size: Samples of one step over all ranks.
        lanes: Equal parts of an epoch.
        window: Neighbouring positions of a lane that are shuffled among each other.

    Raises:
        PlanError: The numbers do not fit together.
    """
    if batch_size < 1 or window < 1 or lanes < 1:
        raise PlanError(
            "batch_size, lanes and window must be 1 or more",
            got=f"{batch_size}, {lanes}, {window}",
        )
    if (sizes < 0).any():
        raise PlanError("a shard has fewer than 0 samples", got=int(sizes.min()))
    if batch_size % lanes:
        raise PlanError(
            f"data.lanes does not divide data.batch_size {batch_size}",
            got=lanes,
            allowed=", ".join(map(str, _divisors(batch_size))),
        )
    samples = int(sizes.sum())
    if samples < batch_size:
        raise PlanError(
            "the shard set has fewer samples than one batch",
            got=f"{samples} samples, data.batch_size {batch_size}",
            remedy=f"the largest possible data.batch_size is {samples}"
            if samples
            else "the shard set is empty",
        )


def check_ranks(lanes: int, ranks: int) -> None:
    """Refuse a number of ranks that cannot share the lanes.

    Args:
        lanes: Equal parts of an epoch.
        ranks: How many read them.

    Raises:
        PlanError: The ranks do not divide the lanes.
    """
    if ranks < 1 or lanes % ranks:
        raise PlanError(
            f"{lanes} lanes cannot be shared by {ranks} ranks",
            allowed="ranks " + ", ".join(map(str, _divisors(lanes))),
            remedy="choose data.lanes (and data.batch_size) as a multiple of the ranks",
        )


def _divisors(number: int) -> list[int]:
    small = [value for value in range(1, math.isqrt(number) + 1) if number % value == 0]
    return sorted({*small, *(number // value for value in small)})
