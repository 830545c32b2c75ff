"""A step's own randomness, and torch's generators as they stand, to run a pass again alike."""

import numpy as np
import torch


def step_seed(seed: int, *, step: int, rank: int) -> int:
    """Seed of the model's randomness (dropout) in one optimizer step on one rank.

    Args:
        seed: Of the run.
        step: Counted from its beginning.
        rank: Number of this process.

    Example:
        >>> step_seed(1, step=0, rank=0) == step_seed(1, step=0, rank=1)
        False
    """
    parts = [seed, step, rank]
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


class RandomState:
    """Where the generators of the CPU, and of this process's CUDA device, stand at this moment.

    Example:
        >>> state = RandomState()
        >>> first = torch.rand(3)
        >>> state.restore()
        >>> torch.equal(torch.rand(3), first)
        True
    """

    def __init__(self) -> None:
        self._cpu = torch.get_rng_state()
        # A generator's state lies on the CPU also where its numbers do not: nothing waits here.
        is_used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        self._cuda = torch.cuda.get_rng_state() if is_used else None

    def restore(self) -> None:
        """Take the generators back to where they stood."""
        torch.set_rng_state(self._cpu)
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._cuda)
