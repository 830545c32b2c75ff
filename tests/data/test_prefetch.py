"""What is fetched ahead is what comes next, and never at the cost of what is read now."""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.badserver import FAULTS, Answer, BadServer, Fault, always
from tests.data.conftest import write_tars

from streetclip.data.plan import Plan
from streetclip.data.prefetch import Prefetch, Prefetcher, Seat, look_ahead, seat_of
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet, open_shard_set

SIZES = [8, 5, 11, 6, 9, 7, 12, 6, 8, 10, 7, 9] * 3
PLAN = Plan(SIZES, batch_size=12, lanes=6, window=4, seed=2)
EFFORT = Effort(timeout_s=20.0, tries=2, pause_s=0.01)


def read_at(epoch: int, step: int, *, rank: int = 0, world: int = 1) -> set[int]:
    """The shards of a step, by enumerating its samples."""
    return set(PLAN.positions(epoch, step, rank=rank, world=world)[:, 0].tolist())


@pytest.mark.parametrize(("world", "nodes"), [(1, 1), (2, 1), (6, 2)])
@pytest.mark.parametrize("lag", [0, 3])
def test_what_is_read_now_stays_and_what_comes_next_is_wanted(
    world: int, nodes: int, lag: int
) -> None:
    for step, rank in itertools.product(range(PLAN.steps_per_epoch - 1), range(world)):
        node = rank * nodes // world
        few, many = (
            look_ahead(
                PLAN,
                SIZES,
                (0, step),
                seat=Seat(rank, world, node, nodes),
                lag=lag,
                ahead=ahead,
                limit_bytes=10**6,
            )
            for ahead in (1, 100)
        )
        steps = range(max(step - lag, 0), step + 1)
        now = set().union(*(read_at(0, one, rank=node, world=nodes) for one in steps))
        own = set().union(*(read_at(0, one, rank=rank, world=world) for one in steps))
        assert now <= few.keep <= many.keep
        assert own <= set(few.wanted) <= few.keep
        assert len(few.keep) <= few.now_shards + world // nodes
        assert read_at(0, step + 1, rank=rank, world=world) <= set(many.wanted)


def test_every_rank_of_a_machine_keeps_the_same() -> None:
    outlooks = [
        look_ahead(PLAN, SIZES, (0, 5), seat=Seat(rank, 6, 1, 2), lag=2, ahead=2, limit_bytes=10**6)
        for rank in (3, 4, 5)
    ]
    assert len({outlook.keep for outlook in outlooks}) == 1
    assert set().union(*(outlook.wanted for outlook in outlooks)) == outlooks[0].keep


def test_an_epoch_is_followed_by_the_next_one_until_the_last() -> None:
    last = PLAN.steps_per_epoch - 1
    wanted = {
        epochs: look_ahead(
            PLAN,
            SIZES,
            (0, last),
            seat=Seat(),
            lag=0,
            ahead=30,
            limit_bytes=10**6,
            epochs=epochs,
        ).wanted
        for epochs in (None, -1, 1, 2)
    }
    assert wanted[None] == wanted[-1] == wanted[2]
    assert read_at(1, 0) <= set(wanted[2])
    assert set(wanted[1]) < set(wanted[2])


@pytest.mark.parametrize("limit", [40, 80, 160, 10**6])
def test_what_is_kept_fits_into_the_cache(limit: int) -> None:
    for step in range(PLAN.steps_per_epoch):
        outlook = look_ahead(
            PLAN, SIZES, (0, step), seat=Seat(), lag=1, ahead=50, limit_bytes=limit
        )
        if outlook.now_bytes > limit:
            assert outlook.wanted == ()
        else:
            assert sum(SIZES[shard] for shard in outlook.keep) <= limit
            assert read_at(0, step) <= set(outlook.wanted)


def test_a_process_of_its_own_has_the_only_seat() -> None:
    assert seat_of(None) == Seat(0, 1, 0, 1)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    """Eight shards of six samples."""
    folder = tmp_path_factory.mktemp("prefetch") / "set"
    write_tars(folder, [6] * 8)
    return index_shards(folder)


def opened(server: BadServer, folder: Path, limit: int) -> ShardSet:
    return open_shard_set(server.url, cache=Cache(folder / "cache", limit, EFFORT))


def shards_here(shard_set: ShardSet) -> set[int]:
    assert shard_set.remote is not None
    here = shard_set.remote.cache.holds
    tars = [shard_set.remote.tar(entry) for entry in shard_set.shards]
    return {number for number, tar in enumerate(tars) if here(tar)}


def all_here(shard_set: ShardSet, shards: set[int]) -> Callable[[], bool]:
    return lambda: shards <= shards_here(shard_set)


def wait_until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_the_next_shards_come_and_the_last_ones_go(local: ShardSet, tmp_path: Path) -> None:
    plan = Plan(local.samples_per_shard, batch_size=2, lanes=2, window=3, seed=4)
    size = max(entry.bytes for entry in local.shards) + 1000
    with BadServer(local.root) as server:
        remote = opened(server, tmp_path, 5 * size)
        prefetcher = Prefetcher(remote, plan, amount=Prefetch(shards=1, downloads=2))
        for step in range(0, plan.steps_per_epoch, 3):
            prefetcher.at(0, step)
            windows = plan.upcoming(0, step)
            soon = {shard for window in itertools.islice(windows, 1) for shard in window.shards}
            wait_until(all_here(remote, soon))
        prefetcher.stop()
        counts = [len(server.statuses(entry.file)) for entry in local.shards]
        assert min(counts) >= 1
        assert sum(counts) <= len(counts) + 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


def test_a_cache_that_is_too_small_is_told_once_and_left_alone(
    local: ShardSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = Plan(local.samples_per_shard, batch_size=8, lanes=8, window=3, seed=4)
    with BadServer(local.root) as server, caplog.at_level(logging.WARNING, "streetclip"):
        remote = opened(server, tmp_path, 3 * local.shards[0].bytes)
        prefetcher = Prefetcher(remote, plan)
        prefetcher.at(0, 0)
        wait_until(lambda: "cache is too small: 8 shards of 0.00 GiB" in caplog.text)
        prefetcher.at(0, 3)
        prefetcher.at(1, 0)
        prefetcher.stop()
        assert caplog.text.count("cache is too small") == 1
        assert [request.path for request in server.requests] == ["shards.json"]


def test_a_server_that_fails_does_not_fail_the_run(
    local: ShardSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = Plan(local.samples_per_shard, batch_size=2, lanes=2, window=3, seed=4)
    with BadServer(local.root, FAULTS["absent"], pattern=r"\.tar$") as server:
        with caplog.at_level(logging.INFO, "streetclip"):
            prefetcher = Prefetcher(opened(server, tmp_path, 10**9), plan)
            prefetcher.at(0, 0)
            wait_until(lambda: "not fetched ahead: " in caplog.text)
        assert all(thread.is_alive() for thread in prefetcher._threads)
        prefetcher.stop()


def test_transfers_that_are_running_end_with_the_run(local: ShardSet, tmp_path: Path) -> None:
    plan = Plan(local.samples_per_shard, batch_size=2, lanes=2, window=3, seed=4)
    slow = Fault(always(Answer(bytes_s=2000)))
    with BadServer(local.root, slow, pattern=r"\.tar$") as server:
        prefetcher = Prefetcher(opened(server, tmp_path, 10**9), plan)
        prefetcher.at(0, 0)
        wait_until(lambda: len(server.requests) > 3)
        prefetcher.stop()
        wait_until(lambda: not any(thread.is_alive() for thread in prefetcher._threads))
        prefetcher.at(0, 9)
    whole = [path.name for path in (tmp_path / "cache").glob("[!.]*")]
    assert set(whole) <= {entry.index_sha256 for entry in local.shards}
