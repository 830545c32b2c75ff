"""Any sample, in any order, in any process, checked."""

import errno
import multiprocessing
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.badthings.faults import FailingReads

from streetclip.errors import SampleError, ShardError
from streetclip.shards.index import index_shards
from streetclip.shards.patience import PAUSES_S
from streetclip.shards.read import ShardReader
from streetclip.shards.sidecar import encode_index, read_index, sidecar_path

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
    with pytest.raises(ShardError, match=r"000002\.tar cannot be read; got: .*No such file"):
        reader.read(2, 0)


def test_an_index_of_another_tar_is_refused(reader: ShardReader, write_tar: WriteTar,
                                            sample: Sample) -> None:  # fmt: skip
    other = index_shards(write_tar(sample("a"), "other/000000.tar").parent)
    target = reader.shard_set.root / "000000.tar.index"
    target.write_bytes((other.root / "000000.tar.index").read_bytes())
    with pytest.raises(ShardError, match="another number of samples"):
        ShardReader(reader.shard_set).read(0, 0)


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EINTR])
def test_a_read_that_fails_for_a_moment_is_tried_again_with_the_file_opened_anew(
    reader: ShardReader, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    expected = reader.read(0, 1)
    faults = FailingReads(monkeypatch)
    for times in range(1, len(PAUSES_S) + 2):
        faults.fail(times, code)
        assert reader.read(0, 1) == expected
        assert (faults.opened, faults.pauses) == (times, list(PAUSES_S[: times - 1]))
        faults.opened, faults.pauses[:] = 0, []


def test_a_tar_that_cannot_be_opened_for_a_moment_is_tried_again(
    reader: ShardReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = FailingReads(monkeypatch)
    faults.fail_to_open(2, errno.ESTALE)
    assert reader.read(0, 1).key == "0_1"


def test_a_read_that_always_fails_is_an_error_and_no_bad_sample(
    reader: ShardReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = FailingReads(monkeypatch)
    faults.fail(99)
    with pytest.raises(ShardError, match=r"000000\.tar cannot be read, again and again; got: .*"):
        reader.read(0, 1)
    assert faults.pauses == list(PAUSES_S)
    faults.fail(0)
    assert reader.read(0, 1).key == "0_1"


def test_an_index_that_cannot_be_read_for_a_moment_is_tried_again(
    reader: ShardReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = Path.read_bytes, iter([errno.EIO, errno.EIO])

    def read_bytes(path: Path) -> bytes:
        if (code := next(left, None)) is not None:
            raise OSError(code, "no luck")
        return real(path)

    faults = FailingReads(monkeypatch)
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert reader.key(0, 1) == "0_1"
    assert len(faults.pauses) == 2


@pytest.mark.parametrize("how", ["flip", "short"])
def test_wrong_bytes_are_read_once_more_before_a_sample_is_bad(
    reader: ShardReader, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    expected = reader.read(0, 1)
    faults = FailingReads(monkeypatch)
    faults.change(1, how)
    assert reader.read(0, 1) == expected
    assert (faults.opened, faults.pauses) == (1, [])
    faults.change(99, how)
    with pytest.raises(SampleError, match=r"(image|metadata)_checksum: .*000000\.tar: 0_1"):
        reader.read(0, 1)
    assert faults.opened == 2


def test_the_good_path_reads_each_sample_once(
    reader: ShardReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, pread = [], os.pread

    def counted(handle: int, size: int, offset: int) -> bytes:
        calls.append((size, offset))
        return pread(handle, size, offset)

    monkeypatch.setattr("streetclip.shards.read.os.pread", counted)
    for number in range(4):
        reader.read(1, number)
    # The JSON stands before the photograph here, which takes two reads a sample.
    assert len(calls) == 8


def test_an_index_that_names_bytes_outside_its_tar_is_refused(reader: ShardReader) -> None:
    tar = reader.shard_set.path(0)
    index = read_index(sidecar_path(tar))
    for field, value in (("image_offset", 1 << 63), ("metadata_size", (1 << 32) - 1)):
        records = index.records.copy()
        records[field][1] = value
        sidecar_path(tar).write_bytes(encode_index(replace(index, records=records)))
        with pytest.raises(ShardError, match="names bytes that the tar does not have"):
            ShardReader(reader.shard_set).read(0, 0)


def test_an_index_that_is_given_stands_for_the_file(reader: ShardReader) -> None:
    index = read_index(sidecar_path(reader.shard_set.path(0)))
    sidecar_path(reader.shard_set.path(0)).unlink()
    given = ShardReader(reader.shard_set, indices={0: index})
    assert pickle.loads(pickle.dumps(given)).read(0, 3).key == "0_3"
