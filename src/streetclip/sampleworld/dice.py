"""Draws that are the same on every machine: Philox counters, used as integers."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BUFFER = 64
_UNIT = 2.0**-53


class Dice:
    """A stream of draws that belongs to a key and to nothing else.

    Only the raw integers of the Philox counter are used, whose sequence NumPy keeps fixed, so that
    a key means the same draws for every version, machine and number of processes.

    Args:
        key: Anything printable; another key is another stream.

    Example:
        >>> Dice(1, "sky").integer(1000) == Dice(1, "sky").integer(1000)
        True
    """

    def __init__(self, *key: int | str) -> None:
        digest = hashlib.blake2b("\0".join(map(str, key)).encode(), digest_size=16).digest()
        words = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
        self._philox = np.random.Philox(key=words)
        self._raw: list[int] = []

    def _next(self) -> int:
        if not self._raw:
            self._raw = self._philox.random_raw(_BUFFER).tolist()
        return self._raw.pop()

    def unit(self) -> float:
        """A number in [0, 1)."""
        return (self._next() >> 11) * _UNIT

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def integer(self, count: int) -> int:
        """An integer in [0, count)."""
        return (self._next() >> 11) * count >> 53

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.unit() < probability

    def bell(self, width: float) -> float:
        """A number around 0 with about this standard deviation, never beyond 2.5 times it."""
        return width * 1.225 * (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.414

    def choice(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[self.integer(len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """One of the items, with probability in proportion to its weight."""
        mark = self.unit() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]
