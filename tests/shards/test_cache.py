"""A file is fetched once, the limit holds, and no kill leaves anything that is wrong."""

import hashlib
import os
import pickle
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.badserver import BadServer

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache, default_folder
from streetclip.shards.effort import Effort
from streetclip.shards.locks import locked
from streetclip.shards.remote import RemoteFile
from streetclip.shards.room import survey
from streetclip.shards.transfer import part_of

SIZE = 100_000
DATA = [random.Random(number).randbytes(SIZE) for number in range(6)]
EFFORT = Effort(timeout_s=20.0, tries=8, pause_s=0.01)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A folder with the files 0, 1, ..."""
    folder = tmp_path / "served"
    folder.mkdir()
    for number, data in enumerate(DATA):
        (folder / str(number)).write_bytes(data)
    return folder


@pytest.fixture
def make_cache(tmp_path: Path) -> Callable[[int], Cache]:
    """A cache with room for so many of the files."""
    return lambda files: Cache(tmp_path / "cache", files * SIZE + SIZE // 2, EFFORT)


def file_at(server: BadServer, number: int) -> RemoteFile:
    return RemoteFile(f"{server.url}/{number}", SIZE, sha256(DATA[number]))


def read(cache: Cache, file: RemoteFile) -> bytes:
    with os.fdopen(cache.open(file), "rb") as opened:
        return opened.read()


def whole_files(cache: Cache) -> set[str]:
    return {path.name for path in cache.folder.glob("[!.]*")}


def names(*numbers: int) -> set[str]:
    return {sha256(DATA[number]) for number in numbers}


def test_a_file_is_fetched_once_and_named_by_its_content(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache = make_cache(3)
    with BadServer(served) as server:
        assert not cache.holds(file_at(server, 0))
        for _ in range(3):
            assert read(cache, file_at(server, 0)) == DATA[0]
        assert cache.path(file_at(server, 0)).name == sha256(DATA[0])
        bare = RemoteFile(f"{server.url}/1")
        assert read(pickle.loads(pickle.dumps(cache)), bare) == read(cache, bare) == DATA[1]
        assert cache.path(bare).name == f"url-{sha256(bare.url.encode())}"
        assert len(server.requests) == 2
    assert {path.name for path in cache.folder.glob(".*")} == {".lock"}


def test_what_was_not_used_for_longest_makes_room(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache = make_cache(3)
    cache.folder.mkdir()
    (cache.folder / "my_thesis.tex").write_bytes(b"x" * 10 * SIZE)
    with BadServer(served) as server:
        for number in (0, 1, 2, 0, 3):
            read(cache, file_at(server, number))
            time.sleep(0.02)  # The times of files have a coarse grain.
    assert whole_files(cache) == {"my_thesis.tex", *names(0, 2, 3)}


def test_what_is_being_read_goes_last_and_can_still_be_read(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache = make_cache(2)
    with BadServer(served) as server:
        first = cache.open(file_at(server, 0))
        time.sleep(0.02)
        read(cache, file_at(server, 1))
        time.sleep(0.02)
        second = cache.open(file_at(server, 2))
        assert whole_files(cache) == names(0, 2)
        time.sleep(0.02)
        read(cache, file_at(server, 3))
        assert whole_files(cache) == names(2, 3)
    for handle, number in ((first, 0), (second, 2)):
        with os.fdopen(handle, "rb") as opened:
            assert opened.read() == DATA[number]


def test_the_limit_holds_while_many_read_and_fetch(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache = make_cache(2)
    cache.folder.mkdir()
    done, most = threading.Event(), [0]

    def watch() -> None:
        while not done.wait(0.002):
            with locked(cache.folder / ".lock"):
                most[0] = max(most[0], sum(item.bytes for item in survey(cache.folder)))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    with BadServer(served, drop_every=5, seed=3) as server:
        wanted = random.Random(1).choices(range(6), k=60)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda number: read(cache, file_at(server, number)), wanted))
        done.set()
        watching.join()
        assert found == [DATA[number] for number in wanted]
        assert {request.status for request in server.requests} >= {0, 200}
    assert SIZE < most[0] <= cache.limit_bytes


def test_a_file_larger_than_the_cache_names_both_numbers(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache = make_cache(0)
    with BadServer(served) as server:
        for file in (file_at(server, 0), RemoteFile(f"{server.url}/0")):
            with pytest.raises(ShardError, match=r"larger.*got: 100000 .*allowed: 50000 .*gib"):
                cache.open(file)
    assert list(cache.folder.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_away_when_room_is_needed(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache = make_cache(2)
    cache.folder.mkdir()
    left = part_of(cache.folder / sha256(DATA[5]))
    left.write_bytes(DATA[5][:-1])
    left.with_suffix(".lock").write_text(f"{SIZE:020}")
    with BadServer(served) as server:
        read(cache, file_at(server, 0))
        assert left.exists()
        read(cache, file_at(server, 1))
        assert not left.exists()
    assert whole_files(cache) == names(0, 1)


def test_two_that_wait_for_each_others_room_do_not_wait_for_ever(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache = make_cache(1)
    cache.folder.mkdir()
    for number in (0, 1):
        part_of(cache.folder / sha256(DATA[number])).write_bytes(DATA[number][:90_000])
    with BadServer(served) as server, ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda number: read(cache, file_at(server, number)), (0, 1))
        assert list(found) == DATA[:2]


def test_a_file_that_rots_in_the_cache_is_fetched_again(
    served: Path, make_cache: Callable[[int], Cache], caplog: pytest.LogCaptureFixture
) -> None:
    cache = make_cache(2)
    with BadServer(served) as server:
        file = file_at(server, 0)
        cache.mend(file)
        path = cache.path(file)
        cache.mend(file)
        assert path.read_bytes() == DATA[0]
        path.write_bytes(DATA[1])
        cache.mend(RemoteFile(file.url))
        assert path.read_bytes() == DATA[1]
        cache.mend(file)
        assert "is damaged in the cache, and is fetched again" in caplog.text
        assert read(cache, file) == DATA[0]


def test_what_is_fetched_ahead_does_not_drive_out_what_must_stay(
    served: Path, make_cache: Callable[[int], Cache]
) -> None:
    cache, stop = make_cache(2), threading.Event()
    with BadServer(served) as server:
        files = [file_at(server, number) for number in range(4)]
        for file in files[:2]:
            cache.bring(file, keep=names(0, 1), stop=stop)
        with pytest.raises(ShardError, match=r"no room for .*/2 .*50000 more than fit.*cache_gib"):
            cache.bring(files[2], keep=names(0, 1), stop=stop)
        cache.bring(files[2], keep=names(1), stop=stop)
        assert whole_files(cache) == names(1, 2)
        stop.set()
        with pytest.raises(ShardError, match="stopped"):
            cache.bring(files[3], keep=names(1), stop=stop)


def test_a_disk_that_is_smaller_than_the_limit_counts(
    served: Path, make_cache: Callable[[int], Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, disk = make_cache(6), [2 * SIZE]

    def usage(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=disk[0] - sum(p.stat().st_size for p in folder.iterdir()))

    monkeypatch.setattr("shutil.disk_usage", usage)
    with BadServer(served) as server:
        for number in range(3):
            read(cache, file_at(server, number))
            time.sleep(0.02)
        assert whole_files(cache) == names(1, 2)
        disk[0] = SIZE // 2
        with pytest.raises(ShardError, match=r"no room .*; 50000 bytes are free on the disk"):
            read(cache, file_at(server, 3))


def test_a_folder_that_cannot_be_used_is_named(served: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        BadServer(served) as server,
        pytest.raises(ShardError, match=r"/file/x cannot be used.*data\.remote\.cache_dir"),
    ):
        Cache(tmp_path / "file" / "x").open(file_at(server, 0))


def test_the_default_folder_is_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Path("/somewhere/streetclip")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_folder() == Path.home() / ".cache/streetclip"
