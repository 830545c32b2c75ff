"""What ranks tell each other beside the training's own messages: counts and short lists."""

from typing import Any, TypeVar

import torch
import torch.distributed as dist

_T = TypeVar("_T")


class SideChannel:
    """Small facts of all ranks, over the CPU: a message through a GPU would wait for its work.

    All ranks must use it at the same moments of the run. The processes' own group serves where it
    runs on the CPU; else one is made at the first message.
    """

    def __init__(self) -> None:
        self._made_for: object = None
        self._group: Any = None

    def total(self, *numbers: int) -> list[int]:
        """Each number summed over the ranks, in one message.

        Args:
            numbers: As many on every rank.

        Example:
            >>> SideChannel().total(2, 0)
            [2, 0]
        """
        if not _is_one_of_several():
            return list(numbers)
        totals = torch.tensor(numbers, dtype=torch.int64)
        dist.all_reduce(totals, group=self._on_cpu())
        return [int(total) for total in totals.tolist()]

    def gather(self, value: _T) -> list[_T]:
        """The values of all ranks in the order of the ranks, on every rank.

        Args:
            value: Of plain types; it is pickled on the way.

        Example:
            >>> SideChannel().gather("alone")
            ['alone']
        """
        if not _is_one_of_several():
            return [value]
        values: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(values, value, group=self._on_cpu())
        return values

    def __getstate__(self) -> dict[str, Any]:
        """Without the group, which belongs to one process."""
        return {"_made_for": None, "_group": None}

    def _on_cpu(self) -> Any:
        whole = dist.group.WORLD
        if self._made_for is not whole:
            self._made_for = whole
            is_cpu = dist.get_backend() == "gloo"
            self._group = None if is_cpu else dist.new_group(backend="gloo")
        return self._group


def _is_one_of_several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
