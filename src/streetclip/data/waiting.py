"""Where a process waits for photographs: a moment between two steps, which may be broken off.

Imports nothing heavy, so that a command can listen for signals before it loads torch.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that is not over.

    Args:
        what: `batch` or `photographs`.
        since_s: When it began, by the monotonic clock.
    """

    what: str
    since_s: float


_WAITS: list[Wait] = []
_WAITED_S: defaultdict[str, float] = defaultdict(float)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Mark that the main thread waits and holds nothing that must be finished.

    Args:
        what: `batch` of the training, or `photographs` of an evaluation.

    Example:
        >>> with waiting("batch"):
        ...     wait().what
        'batch'
        >>> wait() is None
        True
    """
    begun = time.monotonic()
    _WAITS.append(Wait(what, begun))
    try:
        yield
    finally:
        _WAITS.clear()
        _WAITED_S[what] += time.monotonic() - begun


def wait() -> Wait | None:
    """What the process waits for; None if it does not wait."""
    # One look, as another thread may ask.
    return next(iter(_WAITS), None)


def waited_s(what: str) -> float:
    """Seconds that this process has waited so far, in all waits that are over.

    Args:
        what: As in `waiting`.

    Example:
        >>> before = waited_s("batch")
        >>> with waiting("batch"):
        ...     time.sleep(0.01)
        >>> waited_s("batch") - before >= 0.01
        True
    """
    return _WAITED_S[what]


def one_by_one(items: Iterator[_T], what: str) -> Iterator[_T]:
    """The same items; whoever asks for one waits for it.

    Args:
        items: Of a loader.
        what: As in `waiting`.

    Example:
        >>> list(one_by_one(iter("ab"), "batch"))
        ['a', 'b']
    """
    while True:
        with waiting(what):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item
