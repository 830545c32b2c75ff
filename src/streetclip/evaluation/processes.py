"""The little that an evaluation needs of other processes: who it is, and a gather."""

from typing import Any, Protocol, TypeVar, runtime_checkable

import torch.distributed as dist
from lightning.fabric import Fabric

_T = TypeVar("_T")


@runtime_checkable
class Processes(Protocol):
    """One of several processes that evaluate together."""

    @property
    def rank(self) -> int:
        """This process, from 0."""

    @property
    def world(self) -> int:
        """How many there are."""

    def gather(self, value: _T) -> list[_T]:
        """The values of all processes in the order of their ranks, on every process."""


class Alone:
    """A process by itself.

    Example:
        >>> Alone().gather(3)
        [3]
    """

    rank = 0
    world = 1

    def gather(self, value: _T) -> list[_T]:
        """The value, as the only one."""
        return [value]


class Group:
    """The processes of a torch process group, such as the one that a Trainer has started.

    Args:
        group: A process group; None is the default one.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self.group = group
        self.rank = dist.get_rank(group)
        self.world = dist.get_world_size(group)

    def gather(self, value: _T) -> list[_T]:
        """The values of all processes, pickled on the way."""
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value, group=self.group)
        return values


def current_processes() -> Processes:
    """The default process group where one is initialized, else this process alone.

    Returns:
        What `evaluate` takes as `processes`.

    Example:
        >>> current_processes().world
        1
    """
    if dist.is_available() and dist.is_initialized():
        return Group()
    return Alone()


def fabric_processes(fabric: Fabric) -> Processes:
    """The processes that Lightning Fabric has launched.

    Args:
        fabric: After `launch`.

    Returns:
        What `embed` and `evaluate` take as `processes`.

    Example:
        >>> fabric_processes(Fabric(accelerator="cpu", devices=1)).world
        1
    """
    return Group() if fabric.world_size > 1 else Alone()
