"""Where a process waits for photographs: a moment between two steps, which may be broken off.

Imports nothing heavy, so that a command can listen for signals before it loads torch.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

_T = TypeVar("_T")
_WAITS: list[float] = []


@contextmanager
def waiting() -> Iterator[None]:
    """Mark that the main thread waits for photographs and holds nothing that must be finished.

    Example:
        >>> with waiting():
        ...     waits_s() is None
        False
        >>> waits_s() is None
        True
    """
    _WAITS.append(time.monotonic())
    try:
        yield
    finally:
        _WAITS.clear()


def waits_s() -> float | None:
    """How long the process has waited so far, in seconds; None if it does not wait."""
    return time.monotonic() - _WAITS[-1] if _WAITS else None


def one_by_one(items: Iterator[_T]) -> Iterator[_T]:
    """The same items; whoever asks for one waits for it.

    Args:
        items: Of a loader of photographs.

    Example:
        >>> list(one_by_one(iter("ab")))
        ['a', 'b']
    """
    while True:
        with waiting():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item
