"""A shard set at a URL is read as one in a folder is, sample by sample."""

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.badserver import FAULTS, BadServer

from streetclip.errors import SampleError, ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.index import index_shards
from streetclip.shards.layout import (
    ShardSet,
    open_shard_set,
    shard_set_digest,
    write_shard_set,
)
from streetclip.shards.read import RawSample, ShardReader
from streetclip.shards.sidecar import ShardIndex, encode_index, read_index

WriteTar = Callable[..., Path]
SHARDS, SAMPLES = 3, 4


@pytest.fixture
def local(
    write_tar: WriteTar, make_jpeg: Callable[[int], bytes], make_json: Callable[..., bytes]
) -> ShardSet:
    """Three tars of four samples."""
    for shard in range(SHARDS):
        members = []
        for number in range(SAMPLES):
            key = f"{shard}_{number}"
            members.append((f"{key}.jpg", make_jpeg(SAMPLES * shard + number)))
            members.append((f"{key}.json", make_json(month=number + 1)))
        folder = write_tar(members, f"set/{shard:06}.tar").parent
    return index_shards(folder)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache of the usual size."""
    return Cache(tmp_path / "cache", effort=Effort(timeout_s=20.0, tries=4, pause_s=0.01))


def every_sample(shard_set: ShardSet) -> list[RawSample]:
    reader = ShardReader(shard_set)
    wanted = [(shard, sample) for sample in range(SAMPLES) for shard in range(SHARDS)]
    samples = [reader.read(shard, sample) for shard, sample in wanted]
    reader.close()
    return samples


def test_a_remote_set_is_the_local_one(local: ShardSet, cache: Cache) -> None:
    with BadServer(local.root) as server:
        remote = open_shard_set(server.url, cache=cache)
        assert server.statuses("shards.json") == [200]
        assert len(server.requests) == 1
        assert remote.digest == local.digest
        assert (remote.shards, remote.towns, len(remote)) == (
            local.shards,
            local.towns,
            len(local),
        )
        assert every_sample(remote) == every_sample(local)
        assert every_sample(pickle.loads(pickle.dumps(remote))) == every_sample(local)
        fetched = [request.path for request in server.requests]
        assert sorted(set(fetched)) == sorted(fetched)
        assert remote.path(1).read_bytes() == local.path(1).read_bytes()
        assert remote.describe(1) == f"{server.url}/000001.tar"
        assert local.describe(1) == str(local.root / "000001.tar")
    with pytest.raises(ShardError, match=r"http.* is no folder; allowed: a shard set on this mach"):
        _ = remote.root


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_of_a_server_ends_well_or_with_a_clear_error(
    local: ShardSet, tmp_path: Path, name: str
) -> None:
    fault = FAULTS[name]
    timeout_s = 0.3 if name.startswith(("stall", "drip")) else 20.0
    cache = Cache(tmp_path / "cache", effort=Effort(timeout_s=timeout_s, tries=4, pause_s=0.01))
    with BadServer(local.root, fault, pattern=r"\.tar$") as server:
        remote = open_shard_set(server.url, cache=cache)
        if fault.refusal is None:
            assert every_sample(remote) == every_sample(local)
        else:
            with pytest.raises(ShardError, match=fault.refusal):
                ShardReader(remote).read(0, 0)
    for path in cache.folder.glob("[!.]*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_every_fifth_connection_may_break(local: ShardSet, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", effort=Effort(timeout_s=20.0, tries=8, pause_s=0.01))
    with BadServer(local.root, drop_every=5, seed=5) as server:
        remote = open_shard_set(server.url, cache=cache)
        assert every_sample(remote) == every_sample(local)
        assert 0 in {request.status for request in server.requests}


def test_readers_share_a_cache_that_is_too_small_for_them(local: ShardSet, tmp_path: Path) -> None:
    largest = max(shard.bytes for shard in local.shards)
    cache = Cache(tmp_path / "cache", largest + 2000, Effort(timeout_s=20.0, pause_s=0.01))
    with BadServer(local.root) as server:
        remote = open_shard_set(server.url, cache=cache)
        readers = [ShardReader(remote, max_open_files=1) for _ in range(2)]
        for shard, sample in ((0, 1), (1, 2), (2, 3), (0, 0)):
            for reader in readers:
                assert reader.read(shard, sample) == ShardReader(local).read(shard, sample)
        assert server.statuses("000000.tar") == [200, 200]


def flip(path: Path, offset: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[offset] ^= 1
    path.write_bytes(raw)


def test_a_sample_that_rots_in_the_cache_is_fetched_again(local: ShardSet, cache: Cache) -> None:
    with BadServer(local.root) as server:
        remote = open_shard_set(server.url, cache=cache)
        reader, other = ShardReader(remote), ShardReader(remote)
        expected = reader.read(1, 2)
        other.read(1, 0)
        offset = int(reader._index(1).records[2]["image_offset"])
        flip(remote.path(1), offset + 50)
        assert reader.read(1, 2) == other.read(1, 2) == expected
        assert server.statuses("000001.tar") == [200, 200]


def test_a_sample_that_is_bad_everywhere_is_bad(local: ShardSet, cache: Cache) -> None:
    path = local.files.index_path(local.shards[0])
    index = read_index(path)
    records = index.records.copy()
    records["metadata_crc32"][1] ^= 1
    raw = encode_index(ShardIndex(records, index.keys))
    path.write_bytes(raw)
    entry = replace(local.shards[0], index_sha256=hashlib.sha256(raw).hexdigest())
    shards = (entry, *local.shards[1:])
    write_shard_set(replace(local, shards=shards, digest=shard_set_digest(shards)))
    with BadServer(local.root) as server:
        reader = ShardReader(open_shard_set(server.url, cache=cache))
        for _ in range(2):
            with pytest.raises(SampleError, match=rf"{server.url}/000000\.tar: 0_1"):
                reader.read(0, 1)
        assert reader.read(0, 2).key == "0_2"
        assert server.statuses("000000.tar") == [200]


def test_an_index_that_rots_in_the_cache_is_fetched_again(local: ShardSet, cache: Cache) -> None:
    with BadServer(local.root) as server:
        remote = open_shard_set(server.url, cache=cache)
        assert ShardReader(remote).key(0, 3) == "0_3"
        flip(remote.files.index_path(remote.shards[0]), -1)
        assert ShardReader(remote).key(0, 3) == "0_3"
        assert server.statuses("000000.tar.index") == [200, 200]


def test_another_process_reads_a_set_that_it_was_sent(local: ShardSet, cache: Cache) -> None:
    script = (
        "import pickle, sys; from streetclip.shards.read import ShardReader; "
        "print(ShardReader(pickle.load(sys.stdin.buffer)).read(2, 3).key)"
    )
    source = Path(__file__).resolve().parents[2] / "src"
    with BadServer(local.root) as server:
        remote = open_shard_set(server.url, cache=cache)
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=pickle.dumps(remote),
            env={**os.environ, "PYTHONPATH": str(source)},
            capture_output=True,
            timeout=120,
        )
    assert (done.stdout, done.stderr) == (b"2_3\n", b"")
