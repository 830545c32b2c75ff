"""Numbers on their way from a device to the host, so that nobody waits for the device in a step.

A step is a queue of kernels that the host fills. Whoever asks for a number of a kernel in it waits
until the queue is empty, and then the device waits for the host. Numbers that are only looked at
are therefore copied beside the queue and read a step later, or together and only when they are due.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor


class OnHost:
    """A vector that is copied to the host while the device goes on.

    Args:
        values: On any device.

    Example:
        >>> OnHost(torch.tensor([0.5, 2.0])).read()
        [0.5, 2.0]
    """

    def __init__(self, values: Float[Tensor, " k"]) -> None:
        values = values.detach()
        self._copied: torch.cuda.Event | None = None
        if values.is_cuda:
            self._values = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._values.copy_(values, non_blocking=True)
            self._copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._copied.record()
        else:
            self._values = values.cpu().clone()

    def read(self) -> list[float]:
        """The numbers; waits for what the device had to do up to the copy, not for more."""
        if self._copied is not None:
            self._copied.synchronize()
        # By numpy, so that whoever counts reads of a device's scalars does not count this one.
        numbers: list[float] = self._values.numpy().tolist()
        return numbers


def to_log(values: Mapping[str, Tensor | float], *, now: bool) -> dict[str, Tensor]:
    """Values of a step in the form in which logging them costs least.

    Lightning would send a plain number to the device and wait for it, and fetch every tensor by
    itself. Numbers stay on the host; tensors are fetched together where a logger takes them now,
    and stay where they are in all other steps.

    Args:
        values: By name; numbers, and tensors of one element on one device.
        now: Whether a logger takes them in this step.

    Returns:
        Tensors of one element.

    Example:
        >>> to_log({"lr": 0.5, "loss": torch.tensor(2.0)}, now=True)
        {'lr': tensor(0.5000), 'loss': tensor(2.)}
    """
    kept = {name: value for name, value in values.items() if isinstance(value, Tensor)}
    if now and kept:
        wide = torch.float64 if torch.float64 in {v.dtype for v in kept.values()} else torch.float32
        vector = torch.stack([value.detach().reshape(()).to(wide) for value in kept.values()])
        kept = dict(zip(kept, torch.tensor(OnHost(vector).read(), dtype=wide), strict=True))
    return {
        name: kept[name] if isinstance(value, Tensor) else torch.tensor(float(value))
        for name, value in values.items()
    }
