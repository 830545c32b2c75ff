"""Reads single samples of a shard set, at any place, in any order, checked."""

import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from streetclip.errors import SampleError, ShardError
from streetclip.shards.layout import ShardSet
from streetclip.shards.patience import patiently
from streetclip.shards.sidecar import ShardIndex
from streetclip.shards.tar import BLOCK

_MAX_INDICES = 512
_NEAR_BYTES = 4 * BLOCK
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class RawSample:
    """One sample as it lies in the tar.

    Args:
        key: Its key.
        image: Bytes of the photograph.
        metadata: Bytes of the JSON.
    """

    key: str
    image: bytes
    metadata: bytes


class ShardReader:
    """Positional reads from a shard set; holds no position, so any process may ask for any sample.

    It can be pickled and used after a fork: open files are never shared between processes.

    A read that fails for a moment is tried again with the file opened anew, and so is one whose
    checksum is wrong: only what is wrong twice is bad.

    Args:
        shard_set: What to read.
        max_open_files: Tars kept open; the one not used for longest is closed first.
        indices: For some shards, by position, an index that stands for the file beside the tar.
    """

    def __init__(
        self,
        shard_set: ShardSet,
        *,
        max_open_files: int = 16,
        indices: Mapping[int, ShardIndex] = MappingProxyType({}),
    ) -> None:
        self.shard_set = shard_set
        self.max_open_files = max_open_files
        self._given = dict(indices)
        self._start()

    def read(self, shard: int, sample: int) -> RawSample:
        """One sample, its checksums verified.

        Args:
            shard: Position of the tar in the set.
            sample: Position of the sample in the tar.

        Returns:
            Key and bytes.

        Raises:
            SampleError: The bytes are not those that were indexed, also not in a copy of the tar
                that was fetched anew.
            ShardError: The tar or its index is missing, has changed, or cannot be read even after
                some further tries.
            IndexError: There is no such sample.
        """
        index = self._index(shard)
        if not 0 <= sample < len(index):
            raise IndexError(f"shard {shard} has {len(index)} samples, asked for {sample}")
        key, record = index.key(sample), index.records[sample]
        raw = RawSample(key, *self._bytes(shard, record))
        if _wrong_part(raw, record) is not None:
            self._renew(shard)
            raw = RawSample(key, *self._bytes(shard, record))
            if (part := _wrong_part(raw, record)) is not None:
                raise SampleError(f"{part}_checksum", f"{self.shard_set.describe(shard)}: {key}")
        return raw

    def key(self, shard: int, sample: int) -> str:
        """The key of a sample, from the index alone.

        Args:
            shard: Position of the tar in the set.
            sample: Position of the sample in the tar.

        Returns:
            The key.
        """
        return self._index(shard).key(sample)

    def offsets(self, shard: int, sample: int) -> tuple[int, int]:
        """Where the members of a sample lie.

        Args:
            shard: Position of the tar in the set.
            sample: Position of the sample in the tar.

        Returns:
            Offsets of the photograph and of its JSON in the tar, in bytes.
        """
        record = self._index(shard).records[sample]
        return int(record["image_offset"]), int(record["metadata_offset"])

    def close(self) -> None:
        """Closes all files; the next read opens what it needs."""
        with self._lock:
            while self._files:
                os.close(self._files.popitem()[1])

    def __getstate__(self) -> dict[str, Any]:
        return {
            "shard_set": self.shard_set,
            "max_open_files": self.max_open_files,
            "given": self._given,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.shard_set = state["shard_set"]
        self.max_open_files = state["max_open_files"]
        self._given = state["given"]
        self._start()

    def __del__(self) -> None:
        # In a forked child these are the child's own copies of the handles.
        for handle in getattr(self, "_files", {}).values():
            os.close(handle)

    def _start(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._files: OrderedDict[int, int] = OrderedDict()
        self._indices: OrderedDict[int, ShardIndex] = OrderedDict()
        self._examined: set[int] = set()

    def _bytes(self, shard: int, record: Any) -> tuple[bytes, bytes]:
        """Both members; in one read where they are neighbors, as they are in our own tars."""
        first, second = int(record["image_offset"]), int(record["metadata_offset"])
        image_size, metadata_size = int(record["image_size"]), int(record["metadata_size"])
        if 0 <= second - (first + image_size) <= _NEAR_BYTES:
            data = self._pread(shard, first, second + metadata_size - first)
            return data[:image_size], data[second - first :]
        return self._pread(shard, first, image_size), self._pread(shard, second, metadata_size)

    def _pread(self, shard: int, offset: int, size: int) -> bytes:
        self._renew_after_fork()
        try:
            return self._pread_once(shard, offset, size)
        except OSError:

            def again() -> bytes:
                self._forget(shard)
                return self._pread_once(shard, offset, size)

            return patiently(again, f"shard {self.shard_set.describe(shard)}")

    def _pread_once(self, shard: int, offset: int, size: int) -> bytes:
        """The lock is held while reading, so that no other thread closes the file meanwhile."""
        with self._lock:
            handle = _recent(self._files, shard, self._open, self.max_open_files, os.close)
            parts = []
            while size > 0 and (data := os.pread(handle, size, offset)):
                parts.append(data)
                offset, size = offset + len(data), size - len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _index(self, shard: int) -> ShardIndex:
        self._renew_after_fork()
        with self._lock:
            return _recent(self._indices, shard, self._load_index, _MAX_INDICES)

    def _renew_after_fork(self) -> None:
        """A lock that another thread held at the fork would never be released in the child."""
        if self._pid != os.getpid():
            files = self._files
            self._start()
            for handle in files.values():
                os.close(handle)

    def _forget(self, shard: int) -> None:
        """Close a tar, so that the next read opens it anew: a handle may be stale."""
        with self._lock:
            handle = self._files.pop(shard, None)
            if handle is not None:
                os.close(handle)

    def _renew(self, shard: int) -> None:
        """Opens a tar anew at the next read; one that is damaged in a cache is fetched again.

        Whether it is damaged is asked once, because it means to read the whole tar.
        """
        if shard not in self._examined:
            self._examined.add(shard)
            self.shard_set.files.mend(self.shard_set.shards[shard])
        self._forget(shard)

    def _open(self, shard: int) -> int:
        return self.shard_set.files.open_tar(self.shard_set.shards[shard])

    def _load_index(self, shard: int) -> ShardIndex:
        if shard in self._given:
            return self._given[shard]
        entry, name = self.shard_set.shards[shard], self.shard_set.describe(shard)
        index = self.shard_set.files.index(entry)
        if not index.lies_within(entry.bytes):
            raise ShardError(
                f"index of {name} names bytes that the tar does not have",
                allowed=f"the {entry.bytes} bytes of the tar",
                remedy="build or index the shard set again",
            )
        expected = entry.samples
        if len(index) != expected:
            raise ShardError(
                f"index of {name} has another number of samples than the shard set",
                got=len(index),
                allowed=expected,
                remedy="build or index the shard set again",
            )
        return index


def _wrong_part(raw: RawSample, record: Any) -> str | None:
    """The member whose bytes are not those that were indexed."""
    if zlib.crc32(raw.image) != record["image_crc32"]:
        return "image"
    return "metadata" if zlib.crc32(raw.metadata) != record["metadata_crc32"] else None


def _recent(
    cache: OrderedDict[int, _Kept],
    shard: int,
    make: Callable[[int], _Kept],
    limit: int,
    drop: Callable[[_Kept], object] | None = None,
) -> _Kept:
    """The value for a shard, made if absent; the one not used for longest makes room."""
    if shard in cache:
        cache.move_to_end(shard)
        return cache[shard]
    value = make(shard)
    cache[shard] = value
    if len(cache) > limit:
        _, old = cache.popitem(last=False)
        if drop is not None:
            drop(old)
    return value
