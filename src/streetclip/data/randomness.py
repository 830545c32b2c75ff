"""Random numbers from a key instead of a state: whoever knows the key can draw them again."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

_WORD = 2**64


class Purpose(IntEnum):
    """What the numbers are for; numbers of two purposes never depend on each other."""

    SHARDS = 1
    ROTATION = 2
    WINDOW = 3
    CAPTION = 4
    AUGMENT = 5
    RESAMPLED = 6
    SPREAD = 7


def keyed_bits(
    seed: int, epoch: int, *, purpose: Purpose, first: int = 0, second: int = 0
) -> np.random.Philox:
    """A stream of random bits that belongs to one key.

    Args:
        seed: Of the run; taken modulo 2**64.
        epoch: From 0.
        purpose: What the bits are for.
        first: For example a lane or a shard.
        second: For example a window or a sample.

    Returns:
        A bit generator whose stream NumPy guarantees to stay the same between versions.
    """
    # Philox counts up in the first word of its counter, so the other three are free for the key.
    # Arrays, because NumPy turns a list that holds a large number into floats.
    key = np.array([seed % _WORD, epoch], np.uint64)
    counter = np.array([0, second, first, int(purpose)], np.uint64)
    return np.random.Philox(key=key, counter=counter)


def keyed_generator(
    seed: int, epoch: int, *, purpose: Purpose, first: int = 0, second: int = 0
) -> np.random.Generator:
    """A generator on `keyed_bits`; same arguments.

    Example:
        >>> draw = lambda: keyed_generator(7, 0, purpose=Purpose.CAPTION, first=3).random()
        >>> draw() == draw()
        True
    """
    bits = keyed_bits(seed, epoch, purpose=purpose, first=first, second=second)
    return np.random.Generator(bits)


def permutation(bits: np.random.Philox, length: int) -> NDArray[np.int64]:
    """A random order of 0 to length - 1.

    Made from raw bits, because NumPy may change `Generator.permutation` in a new version, and a
    resumed run must not. The position stands in the low bits of each random number, so that all are
    different and any sorting algorithm gives the same order.

    Args:
        bits: From `keyed_bits`.
        length: 0 or more.

    Returns:
        int64 [length].
    """
    if length == 0:
        return np.empty(0, np.int64)
    low = np.uint64(max(1, (length - 1).bit_length()))
    numbers = bits.random_raw(length)
    numbers = ((numbers >> low) << low) | np.arange(length, dtype=np.uint64)
    numbers.sort()
    order: NDArray[np.int64] = (numbers & ((np.uint64(1) << low) - np.uint64(1))).astype(np.int64)
    return order
