"""Processes share a cache: one fetches, the others wait, and any of them may be killed."""

import hashlib
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.badserver import Answer, BadServer, Fault, always

from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.remote import RemoteFile
from streetclip.shards.transfer import part_of

DATA = random.Random(7).randbytes(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
# What another process does: open a file, and say what it found.
SCRIPT = """
import hashlib, os, sys
from pathlib import Path
from types import SimpleNamespace
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.remote import RemoteFile
folder, limit, url, size, sha256 = sys.argv[1:]
cache = Cache(Path(folder), int(limit), Effort(timeout_s=20.0, tries=8, pause_s=0.01))
print("ready", flush=True)
with os.fdopen(cache.open(RemoteFile(url, int(size), sha256)), "rb") as file:
    print(hashlib.sha256(file.read()).hexdigest(), flush=True)
"""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache with room for one file and a third."""
    return Cache(tmp_path / "cache", 4_000_000, Effort(timeout_s=20.0, tries=8, pause_s=0.01))


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A folder with one file."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "big").write_bytes(DATA)
    return folder


def slow(bytes_s: float) -> Fault:
    return Fault(always(Answer(bytes_s=bytes_s)))


def big(server: BadServer) -> RemoteFile:
    return RemoteFile(f"{server.url}/big", len(DATA), SHA256)


def read(cache: Cache, file: RemoteFile) -> bytes:
    with os.fdopen(cache.open(file), "rb") as opened:
        return opened.read()


def other_process(cache: Cache, file: RemoteFile) -> "subprocess.Popen[str]":
    arguments = [cache.folder, cache.limit_bytes, file.url, file.size, file.sha256]
    source = Path(__file__).resolve().parents[2] / "src"
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_who_wants_the_same_file_at_the_same_time_waits_for_it(served: Path, cache: Cache) -> None:
    with BadServer(served, slow(3_000_000)) as server:
        others = [other_process(cache, big(server)) for _ in range(2)]
        assert [other.stdout.readline() for other in others if other.stdout] == ["ready\n"] * 2
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda file: read(cache, file), [big(server)] * 4)) == [DATA] * 4
        for other in others:
            assert other.communicate(timeout=120)[0] == f"{SHA256}\n"
        assert server.statuses("big") == [200]


def test_kills_at_any_moment_leave_nothing_wrong(served: Path, cache: Cache) -> None:
    target = cache.folder / SHA256
    with BadServer(served, slow(4_000_000)) as server:
        for least in (0, 1, 1_100_000, 2_200_000):
            other = other_process(cache, big(server))
            while not part_of(target).exists() or part_of(target).stat().st_size < least:
                assert other.poll() is None
                time.sleep(0.002)
            other.kill()
            other.communicate()
            assert not target.exists()
        assert read(cache, big(server)) == DATA
        starts = [request.start for request in server.requests]
        assert 0 == starts[0] < starts[-1]
    assert {path.name for path in cache.folder.iterdir()} == {".lock", target.name}
