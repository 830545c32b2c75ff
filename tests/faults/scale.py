"""How much of a fault test runs."""

from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Scale(Enum):
    """From a glance to the whole."""

    QUICK = "quick"
    """Some seconds: the default suite."""
    SHORT = "short"
    """Less than a minute: the long suite."""
    FULL = "full"
    """`make faults`."""

    def pick(self, *, quick: T, short: T, full: T) -> T:
        """The value that belongs to this scale.

        Example:
            >>> Scale.SHORT.pick(quick=1, short=10, full=100)
            10
        """
        return {Scale.QUICK: quick, Scale.SHORT: short, Scale.FULL: full}[self]
