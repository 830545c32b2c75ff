"""Fetches the shards of the steps to come while the present ones are trained on."""

import logging
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass

import lightning.pytorch as pl

from streetclip.data.plan import Plan, Window
from streetclip.errors import AbsentError, ShardError
from streetclip.shards.files import RemoteFiles
from streetclip.shards.layout import ShardSet

logger = logging.getLogger(__name__)

_INDEX_BYTES = 64
"""About what the index takes for a sample."""
_PAUSES_S = (0.0, 0.1, 0.5, 2.0)
"""Before each try to fetch a shard: another transfer may hold the room that it needs."""
_LEAVE_S = 5.0
"""How long `stop` waits for transfers that are running; they end by themselves a little later."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Which rank of how many, and on which machine of how many, as many ranks on each.

    Args:
        rank: Of this process.
        world: Number of ranks.
        node: Of this machine.
        nodes: Number of machines.
    """

    rank: int = 0
    world: int = 1
    node: int = 0
    nodes: int = 1


def seat_of(trainer: pl.Trainer | None) -> Seat:
    """The seat of this process.

    Args:
        trainer: That it runs in; None is a process of its own.
    """
    if trainer is None:
        return Seat()
    # Where machines have different numbers of ranks, all of them count as one.
    even = trainer.world_size == trainer.num_nodes * trainer.num_devices
    node, nodes = (trainer.node_rank, trainer.num_nodes) if even else (0, 1)
    return Seat(trainer.global_rank, trainer.world_size, node, nodes)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the cache of a machine should hold.

    Args:
        keep: Shards that its ranks need now or next; none of them may make room for another.
        wanted: Those that one rank fetches, the most urgent first.
        now_shards: How many shards its ranks need now.
        now_bytes: Their size; if it is more than the cache holds, nothing is wanted.
    """

    keep: frozenset[int]
    wanted: tuple[int, ...]
    now_shards: int
    now_bytes: int


def look_ahead(
    plan: Plan,
    sizes: Sequence[int],
    place: tuple[int, int],
    *,
    seat: Seat,
    lag: int,
    ahead: int,
    limit_bytes: int,
    epochs: int | None = None,
) -> Outlook:
    """Chooses the shards to fetch next, so that they and those that are needed now fit together.

    Args:
        plan: Of the samples.
        sizes: Bytes of every shard.
        place: Epoch and step that a loader process is about to read.
        seat: Of this rank.
        lag: Steps before it that may still be read.
        ahead: Shards to fetch beyond those that are needed now, for each rank.
        limit_bytes: Bytes that the cache holds.
        epochs: The run ends after so many; None and -1 go on for ever.

    Returns:
        The choice; every rank of a machine comes to the same `keep`.
    """
    epoch, step = place
    since = max(step - lag, 0)
    keep: dict[int, None] = {}
    mine: dict[int, None] = {}
    left = ahead * (seat.world // seat.nodes)
    held = now_shards = now_bytes = 0
    for of_all, own in zip(
        plan.upcoming(epoch, since, rank=seat.node, world=seat.nodes),
        plan.upcoming(epoch, since, rank=seat.rank, world=seat.world),
        strict=False,
    ):
        is_now = (of_all.epoch, of_all.step) <= place
        if not is_now and (left <= 0 or _is_over(of_all, epoch, epochs)):
            break
        for shard in (shard for shard in of_all.shards if shard not in keep):
            left -= 0 if is_now else 1
            if not is_now and (left < 0 or held + sizes[shard] > limit_bytes):
                left = 0
                break
            held += sizes[shard]
            keep[shard] = None
        if is_now:
            now_shards, now_bytes = len(keep), held
        mine |= dict.fromkeys(own.shards)
    wanted = [shard for shard in mine if shard in keep] if now_bytes <= limit_bytes else []
    return Outlook(frozenset(keep), tuple(wanted), now_shards, now_bytes)


@dataclass(frozen=True, slots=True)
class Prefetch:
    """How much is fetched ahead.

    Args:
        shards: Beyond those that are needed now, for each rank; 0 fetches nothing ahead.
        downloads: Shards that a rank fetches at a time.
    """

    shards: int = 8
    downloads: int = 4


class Prefetcher:
    """Keeps the next shards in the cache, with threads of the training process.

    It never fails a run: a shard that it cannot fetch is left to the reader that needs it, which
    tries by itself and says what is wrong.

    Args:
        shard_set: At a URL.
        plan: Of its samples.
        seat: Of this rank.
        amount: How much to fetch.
        lag: Steps that loader processes may be behind the one that is handed out.
        epochs: The run ends after so many; None and -1 go on for ever.
    """

    def __init__(
        self,
        shard_set: ShardSet,
        plan: Plan,
        *,
        seat: Seat | None = None,
        amount: Prefetch | None = None,
        lag: int = 0,
        epochs: int | None = None,
    ) -> None:
        assert shard_set.remote is not None
        self._files: RemoteFiles = shard_set.remote
        self._entries = shard_set.shards
        self._plan = plan
        self._seat = seat or Seat()
        self._amount = amount or Prefetch()
        self._lag = lag
        self._epochs = epochs
        self._change = threading.Condition()
        self._stop = threading.Event()
        self._place: tuple[int, int] | None = None
        self._windows: tuple[int, int, int] | None = None
        self._queue: deque[int] = deque()
        self._keep: Collection[int] = ()
        self._names = _Names()
        self._warned = False
        self._threads = [
            threading.Thread(target=self._work, name=f"prefetch-{number}", daemon=True)
            for number in range(self._amount.downloads)
        ]

    def at(self, epoch: int, step: int) -> None:
        """Take note that a step is being handed out; the first note starts the work.

        Args:
            epoch: From 0.
            step: From 0.
        """
        since = self._plan.window_of(max(step - self._lag, 0))
        windows = (epoch, since, self._plan.window_of(step))
        if windows == self._windows or self._stop.is_set():
            return
        is_first, self._windows = self._windows is None, windows
        with self._change:
            self._place = (epoch, step)
            self._change.notify()
        if is_first:
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """End the work; what has arrived of a shard stays in the cache for the next transfer."""
        self._stop.set()
        with self._change:
            self._change.notify_all()
        give_up = time.monotonic() + _LEAVE_S
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(give_up - time.monotonic(), 0.0))

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._change:
                self._change.wait_for(lambda: self._place or self._queue or self._stop.is_set())
                place, self._place = self._place, None
                shard = None if place or not self._queue else self._queue.popleft()
            if place is not None:
                self._look(place)
            elif shard is not None:
                self._fetch(shard)

    def _look(self, place: tuple[int, int]) -> None:
        outlook = look_ahead(
            self._plan,
            [entry.bytes + _INDEX_BYTES * entry.samples for entry in self._entries],
            place,
            seat=self._seat,
            lag=self._lag,
            ahead=self._amount.shards,
            limit_bytes=self._files.cache.limit_bytes,
            epochs=self._epochs,
        )
        self._warn(outlook)
        with self._change:
            self._keep = outlook.keep
            self._names.now = self._files.names(self._entries[kept] for kept in outlook.keep)
            self._queue = deque(outlook.wanted)
            self._change.notify_all()

    def _fetch(self, shard: int) -> None:
        """Fetch a shard while it is wanted; room for it may be there a little later."""
        for pause_s in _PAUSES_S:
            if self._stop.wait(pause_s) or shard not in self._keep:
                return
            try:
                self._files.bring(self._entries[shard], keep=self._names, stop=self._stop)
            except ShardError as error:
                if not self._stop.is_set():
                    logger.info("not fetched ahead: %s", error)
                if isinstance(error, AbsentError):
                    return
            else:
                return

    def _warn(self, outlook: Outlook) -> None:
        cache = self._files.cache
        if outlook.now_bytes <= cache.limit_bytes or self._warned:
            return
        self._warned = True
        logger.warning(
            "the cache is too small: %d shards of %.2f GiB are read at the same time, and %s holds "
            "%.2f GiB, so each will be fetched many times; raise data.remote.cache_gib, or lower "
            "data.lanes, data.window or the size of the shards",
            outlook.now_shards,
            outlook.now_bytes / 2**30,
            cache.folder,
            cache.limit_bytes / 2**30,
        )


class _Names(Set[str]):
    """Names that change while a transfer goes on.

    One that was begun for an earlier step does not make its room of what a later step needs.
    """

    _from_iterable = frozenset

    def __init__(self) -> None:
        self.now: frozenset[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        return name in self.now

    def __iter__(self) -> Iterator[str]:
        return iter(self.now)

    def __len__(self) -> int:
        return len(self.now)


def _is_over(window: Window, epoch: int, epochs: int | None) -> bool:
    """Beyond the run's end, or so far ahead that the whole set has been looked at."""
    return window.epoch > epoch + 1 or window.epoch >= (epochs or -1) > 0
