"""Which step of a window a sample goes to, so that a batch repeats few countries.

All lanes go through their windows at the same steps. So a window of all lanes together is dealt out
to its steps: each lane gives every step as many samples as it owes it anyway, and of each country
every step gets about as many as any other. Nothing is left out and nothing comes twice.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

Countries = NDArray[np.uint16]
"""A code of the country of each sample of a shard; 0 where it is unknown."""

SPREAD_VERSION = 1
"""Raised when the same countries would be dealt out in another way than before."""

# Odd numbers far apart, so that lanes and countries break ties in orders of their own.
_LANE_TURN, _COUNTRY_TURN = 7919, 104_729


def spread(
    countries: Int64[np.ndarray, "lanes w"],
    orders: Int64[np.ndarray, "lanes w"],
    steps: Int64[np.ndarray, " w"],
    *,
    tie: Int64[np.ndarray, " s"],
) -> Int64[np.ndarray, "lanes w"]:
    """New orders of all lanes' windows, in which the samples of a country lie in different steps.

    Lane by lane, and in a lane country by country with the most frequent first, samples go to the
    steps that have the fewest of their country so far, of these to the emptiest, and of these to a
    random one. Which sample of a country goes where is up to the random order.

    Args:
        countries: Of each position of each lane's window.
        orders: The random order of each lane's window: positions.
        steps: The step of each place in an order, from 0, rising; the same in every lane.
        tie: A random order of the steps.

    Returns:
        Positions, for each lane a permutation as `orders` has it.

    Example:
        >>> france_and_peru = np.array([[1, 1, 2, 2]])
        >>> order, steps = np.array([[0, 1, 2, 3]]), np.array([0, 0, 1, 1])
        >>> dealt = spread(france_and_peru, order, steps, tie=np.array([1, 0]))
        >>> france_and_peru[0, dealt[0]].tolist()
        [1, 2, 1, 2]
    """
    kinds, codes = np.unique(countries, return_inverse=True)
    codes = codes.reshape(countries.shape)
    places = np.bincount(steps)
    taken = np.zeros((len(kinds), len(places)), np.int64)
    dealt = np.empty_like(orders)
    for lane, order in enumerate(orders):
        assigned = _deal(codes[lane, order], places.copy(), taken, (tie + lane * _LANE_TURN))
        dealt[lane] = order[np.argsort(assigned, kind="stable")]
    return dealt


def countries_at(
    positions: Int64[np.ndarray, "k 2"], countries: Callable[[int], Countries]
) -> Int64[np.ndarray, " k"]:
    """The countries of samples, shard by shard.

    Args:
        positions: Shard and sample.
        countries: Those of all samples of a shard.

    Example:
        >>> of_shard = [np.array([7, 8], np.uint16), np.array([9], np.uint16)].__getitem__
        >>> countries_at(np.array([[1, 0], [0, 1], [0, 0]]), of_shard).tolist()
        [9, 8, 7]
    """
    found = np.empty(len(positions), np.int64)
    for shard in np.unique(positions[:, 0]).tolist():
        inside = positions[:, 0] == shard
        found[inside] = countries(shard)[positions[inside, 1]]
    return found


def _deal(
    codes: NDArray[np.int64],
    room: NDArray[np.int64],
    taken: NDArray[np.int64],
    tie: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The step of each sample of one lane.

    Args:
        codes: Countries of the samples, in random order.
        room: Places that the lane still has in each step; used up.
        taken: Samples of each country in each step [c, s]; brought up to date.
        tie: Whole numbers, one a step, that differ modulo the number of steps.
    """
    counts = np.bincount(codes, minlength=len(taken))
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    assigned = np.empty_like(codes)
    for country in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]:
        chosen = _least(taken[country], room, int(counts[country]), tie + country * _COUNTRY_TURN)
        assigned[members[country]] = chosen
    return assigned


def _least(
    taken: NDArray[np.int64], room: NDArray[np.int64], wanted: int, tie: NDArray[np.int64]
) -> NDArray[np.int64]:
    """As many steps as are wanted, in rounds in which no step is chosen twice."""
    steps, chosen = len(room), list[NDArray[np.int64]]()
    while wanted > 0:
        emptiness = int(room.max()) - room
        # All numbers differ, so that the choice does not depend on how they are sorted.
        rank = (taken * (int(emptiness.max()) + 1) + emptiness) * steps + tie % steps
        free = np.flatnonzero(room)
        take = min(wanted, len(free))
        best = free[np.argpartition(rank[free], take - 1)[:take]]
        best.sort()
        room[best] -= 1
        taken[best] += 1
        chosen.append(best)
        wanted -= take
    return np.concatenate(chosen)
