"""The plan of an epoch: which samples make the global batch of (seed, epoch, step).

An epoch permutes the shards. The samples of all shards, in that order, are a line; it starts at a
random place, wraps around, and is cut into equal lanes. Within a lane, windows of neighbouring
positions are shuffled. A step takes the next few positions of every lane, and a rank reads its
share of the lanes, so the global batch is the same list for any number of ranks and workers.

Where countries are spread (`data/spread.py`), the windows of all lanes that are read at the same
steps are shuffled together, each within itself.
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from streetclip.data.plan_numbers import check_numbers, check_ranks
from streetclip.data.randomness import Purpose, keyed_bits, permutation
from streetclip.data.spread import SPREAD_VERSION, Countries, countries_at, spread
from streetclip.errors import PlanError

PLAN_VERSION = 1
# 192 = 64 x 3: default lanes suit 1, 2, 3, 4, 6, 8, ... ranks where the batch does.
DEFAULT_LANES = 192


class Window(NamedTuple):
    """Shards that are read during the same steps.

    Args:
        epoch: From 0.
        step: The first step that reads from them.
        shards: Each once, in the order of the lanes.
    """

    epoch: int
    step: int
    shards: list[int]


class _Line(NamedTuple):
    """The samples of an epoch, one shard after the other: order, ends, and where it begins."""

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    rotation: int


class Plan:
    """Maps (epoch, step) to samples without walking through the epoch.

    Args:
        samples_per_shard: Samples in each shard of the set, in the set's order.
        batch_size: Samples of one step over all ranks.
        lanes: Equal parts of an epoch; divides `batch_size`. None is gcd(batch_size, 192).
        window: Neighbouring positions of a lane that are shuffled among each other.
        seed: Decides the order of every epoch.
        countries: Those of a shard's samples; asked for the shards of a window at a time, in order
            to spread countries over the steps. None spreads none.

    Raises:
        PlanError: If the numbers do not fit together.

    Example:
        >>> plan = Plan([3, 2, 4], batch_size=4, lanes=2, window=2, seed=1)
        >>> plan.steps_per_epoch, plan.tail
        (2, 1)
        >>> plan.positions(0, 1).shape
        (4, 2)
    """

    def __init__(
        self,
        samples_per_shard: Sequence[int],
        *,
        batch_size: int,
        lanes: int | None = None,
        window: int = 512,
        seed: int = 0,
        countries: Callable[[int], Countries] | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.lanes = math.gcd(batch_size, DEFAULT_LANES) if lanes is None else lanes
        self.window = window
        self.seed = seed
        self.countries = countries
        self._sizes = np.asarray(samples_per_shard, np.int64).reshape(-1)
        self.samples = int(self._sizes.sum())
        check_numbers(self._sizes, batch_size=batch_size, lanes=self.lanes, window=window)
        self.steps_per_epoch = self.samples // batch_size
        self.tail = self.samples - self.steps_per_epoch * batch_size
        self._per_lane = batch_size // self.lanes
        self._lane_length = self.samples // self.lanes
        self._epoch: int | None = None
        self._order = self._ends = np.empty(0, np.int64)
        self._rotation = 0
        self._windows: OrderedDict[tuple[int, int], NDArray[np.int64]] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """Without what was computed for one epoch, so that a worker starts with little."""
        return self.__dict__ | {
            "_epoch": None,
            "_order": np.empty(0, np.int64),
            "_ends": np.empty(0, np.int64),
            "_windows": OrderedDict(),
        }

    def positions(
        self, epoch: int, step: int, *, rank: int = 0, world: int = 1
    ) -> Int64[np.ndarray, "k 2"]:
        """The samples of one rank's share of one step.

        Args:
            epoch: From 0.
            step: From 0 to `steps_per_epoch` - 1.
            rank: Of this process, from 0.
            world: Number of ranks; divides `lanes`.

        Returns:
            Shard and sample, [batch_size / world, 2]; the shares of all ranks, one after the other,
            are the same global batch for any `world`.

        Raises:
            PlanError: If there is no such step, or the ranks do not divide the lanes.
        """
        self.check_world(world)
        if not 0 <= rank < world:
            raise PlanError("no such rank", got=rank, allowed=f"0 to {world - 1}")
        if epoch < 0 or not 0 <= step < self.steps_per_epoch:
            raise PlanError(
                "no such step",
                got=f"epoch {epoch}, step {step}",
                allowed=f"steps 0 to {self.steps_per_epoch - 1} of epochs from 0",
            )
        self._enter(epoch)
        share = self.lanes // world
        line = [self._line(lane, step) for lane in range(rank * share, (rank + 1) * share)]
        return self._locate(np.concatenate(line))

    def upcoming(self, epoch: int, step: int, *, rank: int = 0, world: int = 1) -> Iterator[Window]:
        """The shards that a rank reads from a step on, epoch after epoch without end.

        All lanes shuffle the same window at the same step, so a window's shards may be needed at
        any moment from its first step on. Nothing is remembered: any thread may ask.

        Args:
            epoch: From 0.
            step: The first window is the one that it is in.
            rank: Of this process, from 0.
            world: Number of ranks; divides `lanes`.

        Yields:
            One window after the other.

        Raises:
            PlanError: If the ranks do not divide the lanes.

        Example:
            >>> plan = Plan([3, 2, 4], batch_size=4, lanes=2, window=2, seed=1)
            >>> read = set(plan.positions(0, 0)[:, 0].tolist())
            >>> read <= set(next(plan.upcoming(0, 0)).shards)
            True
        """
        self.check_world(world)
        share = self.lanes // world
        lanes = np.arange(rank * share, (rank + 1) * share, dtype=np.int64)
        last = (self.steps_per_epoch * self._per_lane - 1) // self.window
        while True:
            line = self._line_of(epoch)
            for number in range(self.window_of(step), last + 1):
                first_step = number * self.window // self._per_lane
                yield Window(epoch, first_step, self._shards_of(line, number, lanes))
            epoch, step = epoch + 1, 0

    def window_of(self, step: int) -> int:
        """The number of the window in which the lanes are when a step begins."""
        return step * self._per_lane // self.window

    def check_world(self, world: int) -> None:
        """Refuse a number of ranks that cannot share the lanes.

        Args:
            world: Number of ranks.

        Raises:
            PlanError: If `world` does not divide `lanes`.
        """
        check_ranks(self.lanes, world)

    def samples_in(self, shard: int) -> int:
        """Samples of one shard."""
        return int(self._sizes[shard])

    def fingerprint(self) -> dict[str, Any]:
        """What decides the order of samples, in plain types; countries are those of the shards."""
        is_spread = self.countries is not None
        return {
            "plan_version": PLAN_VERSION,
            "batch_size": self.batch_size,
            "lanes": self.lanes,
            "window": self.window,
            "seed": self.seed,
            "samples": self.samples,
            "samples_per_shard": hashlib.sha256(self._sizes.astype("<i8").tobytes()).hexdigest(),
            # Not named where it is off, as in the runs of earlier versions.
            **({"spread_countries": SPREAD_VERSION} if is_spread else {}),
        }

    def _enter(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        self._order, self._ends, self._rotation = self._line_of(epoch)
        self._windows.clear()
        self._epoch = epoch

    def _line_of(self, epoch: int) -> _Line:
        bits = keyed_bits(self.seed, epoch, purpose=Purpose.SHARDS)
        order = permutation(bits, len(self._sizes))
        # Without this, a set of one shard would leave out the same samples in every epoch.
        turn = keyed_bits(self.seed, epoch, purpose=Purpose.ROTATION).random_raw()
        return _Line(order, np.cumsum(self._sizes[order]), int(turn) % self.samples)

    def _shards_of(self, line: _Line, window: int, lanes: NDArray[np.int64]) -> list[int]:
        """The shards that a window of some lanes covers."""
        length = min(self.window, self._lane_length - window * self.window)
        first = lanes * self._lane_length + window * self.window + line.rotation
        begin, end = first % self.samples, (first + length - 1) % self.samples
        slots = np.searchsorted(line.ends, np.stack([begin, end]), side="right").T.tolist()
        found: dict[int, None] = {}
        for (low, high), turns in zip(slots, (begin > end).tolist(), strict=True):
            parts = ((low, len(line.order)), (0, high + 1)) if turns else ((low, high + 1),)
            for start, stop in parts:
                found |= dict.fromkeys(line.order[start:stop].tolist())
        return [shard for shard in found if self._sizes[shard] > 0]

    def _line(self, lane: int, step: int) -> NDArray[np.int64]:
        """Positions on the line that a lane gives to a step."""
        wanted = np.arange(step * self._per_lane, (step + 1) * self._per_lane, dtype=np.int64)
        blocks, offsets = np.divmod(wanted, self.window)
        for block in range(int(blocks[0]), int(blocks[-1]) + 1):
            inside = blocks == block
            wanted[inside] = block * self.window + self._shuffled(lane, block)[offsets[inside]]
        return wanted + lane * self._lane_length

    def _shuffled(self, lane: int, block: int) -> NDArray[np.int64]:
        key = (lane, block)
        if key not in self._windows:
            if self.countries is None:
                self._windows[key] = self._random_order(lane, block)
            else:
                self._windows |= self._spread_orders(block, self.countries)
            # Steps go forward, so a lane needs at most the window it is in and the next one.
            while len(self._windows) > 2 * self.lanes:
                self._windows.popitem(last=False)
        return self._windows[key]

    def _random_order(self, lane: int, block: int) -> NDArray[np.int64]:
        assert self._epoch is not None
        bits = keyed_bits(self.seed, self._epoch, purpose=Purpose.WINDOW, first=lane, second=block)
        return permutation(bits, min(self.window, self._lane_length - block * self.window))

    def _spread_orders(
        self, block: int, countries: Callable[[int], Countries]
    ) -> dict[tuple[int, int], NDArray[np.int64]]:
        """The orders of all lanes, whoever asks: ranks must agree, and each reads its own."""
        assert self._epoch is not None
        orders = np.stack([self._random_order(lane, block) for lane in range(self.lanes)])
        places = np.arange(orders.shape[1], dtype=np.int64) + block * self.window
        line = np.arange(self.lanes, dtype=np.int64)[:, None] * self._lane_length + places
        found = countries_at(self._locate(line.reshape(-1)), countries)
        steps = places // self._per_lane - places[0] // self._per_lane
        bits = keyed_bits(self.seed, self._epoch, purpose=Purpose.SPREAD, second=block)
        tie = permutation(bits, int(steps[-1]) + 1)
        dealt = spread(found.reshape(orders.shape), orders, steps, tie=tie)
        return {(lane, block): order for lane, order in enumerate(dealt)}

    def _locate(self, line: NDArray[np.int64]) -> NDArray[np.int64]:
        line = (line + self._rotation) % self.samples
        slot = np.searchsorted(self._ends, line, side="right")
        shard = self._order[slot]
        return np.stack([shard, line - (self._ends[slot] - self._sizes[shard])], axis=1)
