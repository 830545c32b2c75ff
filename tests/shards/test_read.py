"""Any sample, in any order, in any process, checked."""

import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streetclip.errors import SampleError, ShardError
from streetclip.shards.index import index_shards
from streetclip.shards.read import ShardReader

WriteTar = Callable[..., Path]
Sample = Callable[[str], list[tuple[str, bytes]]]


@pytest.fixture
def reader(
    write_tar: WriteTar, make_jpeg: Callable[[int], bytes], make_json: Callable[..., bytes]
) -> ShardReader:
    """Three tars of four samples; photograph 4 s + n is sample n of shard s."""
    for shard in range(3):
        members = []
        for number in range(4):
            key = f"{shard}_{number}"
            members.append((f"{key}.json", make_json(month=number + 1)))
            members.append((f"{key}.jpg", make_jpeg(4 * shard + number)))
        folder = write_tar(members, f"set/{shard:06}.tar").parent
    return ShardReader(index_shards(folder), max_open_files=2)


def test_samples_are_read_in_any_order(
    reader: ShardReader, make_jpeg: Callable[[int], bytes], make_json: Callable[..., bytes]
) -> None:
    for shard, number in [(2, 3), (0, 0), (1, 2), (2, 0), (0, 3), (1, 1)]:
        raw = reader.read(shard, number)
        assert raw.key == reader.key(shard, number) == f"{shard}_{number}"
        assert raw.image == make_jpeg(4 * shard + number)
        assert raw.metadata == make_json(month=number + 1)


def test_few_files_stay_open(reader: ShardReader) -> None:
    for shard in range(3):
        reader.read(shard, 0)
    assert len(reader._files) == 2
    handles = list(reader._files.values())
    reader.close()
    for handle in handles:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)
    assert reader.read(1, 1).key == "1_1"


def test_a_reader_can_be_pickled(reader: ShardReader) -> None:
    reader.read(0, 0)
    other = pickle.loads(pickle.dumps(reader))
    assert other.read(2, 2) == reader.read(2, 2)


def _keys_in_child(reader: ShardReader, keys: "multiprocessing.Queue[list[str]]") -> None:
    keys.put([reader.read(shard, 1).key for shard in (2, 0, 1)])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_reader_works_after_a_fork(reader: ShardReader) -> None:
    reader.read(0, 0)
    context = multiprocessing.get_context("fork")
    keys: multiprocessing.Queue[list[str]] = context.Queue()
    child = context.Process(target=_keys_in_child, args=(reader, keys))
    child.start()
    assert keys.get(timeout=30) == ["2_1", "0_1", "1_1"]
    child.join()
    assert reader.read(0, 3).key == "0_3"


def test_threads_do_not_close_each_others_files(reader: ShardReader) -> None:
    wanted = [(number % 3, number % 4) for number in range(300)]
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda at: reader.read(*at).key, wanted))
    assert keys == [f"{shard}_{number}" for shard, number in wanted]


def test_a_flipped_byte_is_found(reader: ShardReader) -> None:
    path = reader.shard_set.path(1)
    record = reader._index(1).records[2]
    raw = bytearray(path.read_bytes())
    raw[int(record["image_offset"]) + 50] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SampleError, match=r"image_checksum: .*000001.tar: 1_2"):
        reader.read(1, 2)
    assert reader.read(1, 1).key == "1_1"


def test_a_tar_that_was_cut_is_found(reader: ShardReader) -> None:
    path = reader.shard_set.path(1)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(SampleError, match="checksum"):
        reader.read(1, 3)


def test_what_is_not_there_is_named(reader: ShardReader) -> None:
    with pytest.raises(IndexError, match="shard 0 has 4 samples, asked for 4"):
        reader.read(0, 4)
    with pytest.raises(IndexError, match="asked for -1"):
        reader.read(0, -1)
    reader.shard_set.path(2).unlink()
    with pytest.raises(ShardError, match=r"000002\.tar cannot be opened"):
        reader.read(2, 0)


def test_an_index_of_another_tar_is_refused(reader: ShardReader, write_tar: WriteTar,
                                            sample: Sample) -> None:  # fmt: skip
    other = index_shards(write_tar(sample("a"), "other/000000.tar").parent)
    target = reader.shard_set.root / "000000.tar.index"
    target.write_bytes((other.root / "000000.tar.index").read_bytes())
    with pytest.raises(ShardError, match="another number of samples"):
        ShardReader(reader.shard_set).read(0, 0)
