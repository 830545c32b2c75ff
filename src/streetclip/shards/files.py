"""Where the files of a shard set come from: a folder, or a URL and the cache before it."""

import hashlib
import os
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Protocol, runtime_checkable

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.remote import RemoteFile, join_url, shown
from streetclip.shards.sidecar import ShardIndex, parse_index, read_index, sidecar_path


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """One tar of a shard set.

    Args:
        file: Name in the folder of the set.
        bytes: Size of the tar.
        sha256: Of the tar.
        samples: Samples that the index names.
        index_sha256: Of the index beside the tar.
    """

    file: str
    bytes: int
    sha256: str
    samples: int
    index_sha256: str


@runtime_checkable
class ShardFiles(Protocol):
    """Gives the tars and indices of a shard set; can be pickled, and used by any process."""

    def describe(self, entry: ShardEntry) -> str:
        """Where a tar lies, for messages: its path or URL."""

    def check(self, entry: ShardEntry) -> None:
        """Refuses what can be seen to be wrong before anything is read."""

    def path(self, entry: ShardEntry) -> Path:
        """A tar on the disk, fetched if it is not there; to be opened soon."""

    def index_path(self, entry: ShardEntry) -> Path:
        """The index of a tar on the disk, likewise."""

    def open_tar(self, entry: ShardEntry) -> int:
        """A file descriptor of a tar, to be closed."""

    def index(self, entry: ShardEntry) -> ShardIndex:
        """The index of a tar."""

    def mend(self, entry: ShardEntry) -> None:
        """After a wrong checksum: sees to it that a tar that is damaged here is had anew."""


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """The files of a folder.

    Args:
        folder: Holds the tars and their indices.
    """

    folder: Path

    def describe(self, entry: ShardEntry) -> str:
        """The path of a tar."""
        return str(self.path(entry))

    def check(self, entry: ShardEntry) -> None:
        """Whether a tar is there in the right size, with an index.

        Raises:
            ShardError: It is not.
        """
        path = self.path(entry)
        size = path.stat().st_size if path.is_file() else None
        if size != entry.bytes or not self.index_path(entry).is_file():
            raise ShardError(
                f"{path} or its index is missing or has changed",
                got="no such file" if size is None else f"{size} bytes",
                allowed=f"{entry.bytes} bytes and an index",
                remedy="build or index the shard set again",
            )

    def path(self, entry: ShardEntry) -> Path:
        """The path of a tar."""
        return self.folder / entry.file

    def index_path(self, entry: ShardEntry) -> Path:
        """The path of the index beside a tar."""
        return sidecar_path(self.path(entry))

    def open_tar(self, entry: ShardEntry) -> int:
        """Opens a tar.

        Raises:
            OSError: It is missing or cannot be read.
        """
        return os.open(self.path(entry), os.O_RDONLY | os.O_CLOEXEC)

    def index(self, entry: ShardEntry) -> ShardIndex:
        """Reads the index beside a tar.

        Raises:
            ShardError: It is missing or damaged.
        """
        return read_index(self.index_path(entry))

    def mend(self, entry: ShardEntry) -> None:
        """Nothing: there is nowhere else to have it from."""


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """The files below a URL, each fetched into a cache when it is first needed.

    Args:
        url: Of the folder that holds the tars and their indices.
        cache: Keeps what was fetched.
    """

    url: str
    cache: Cache

    def describe(self, entry: ShardEntry) -> str:
        """The URL of a tar."""
        return shown(self.tar(entry).url)

    def check(self, entry: ShardEntry) -> None:
        """Whether the digests are some; what lies there shows when it is fetched.

        Raises:
            ShardError: They are not.
        """
        self.tar(entry)
        self._index(entry)

    def path(self, entry: ShardEntry) -> Path:
        """A tar in the cache.

        Raises:
            ShardError: It cannot be fetched.
        """
        return self.cache.path(self.tar(entry))

    def index_path(self, entry: ShardEntry) -> Path:
        """The index of a tar in the cache.

        Raises:
            ShardError: It cannot be fetched.
        """
        return self.cache.path(self._index(entry))

    def open_tar(self, entry: ShardEntry) -> int:
        """Opens a tar.

        Raises:
            ShardError: It cannot be fetched.
        """
        return self.cache.open(self.tar(entry))

    def index(self, entry: ShardEntry) -> ShardIndex:
        """Reads an index; one that is damaged in the cache is fetched again.

        Raises:
            ShardError: It cannot be fetched, or is no index.
        """
        file = self._index(entry)
        raw = self._read(file)
        if hashlib.sha256(raw).hexdigest() != file.sha256:
            self.cache.mend(file)
            raw = self._read(file)
        return parse_index(raw, shown(file.url))

    def mend(self, entry: ShardEntry) -> None:
        """Deletes a tar that is damaged in the cache."""
        self.cache.mend(self.tar(entry))

    def names(self, entries: Iterable[ShardEntry]) -> frozenset[str]:
        """The names that shards and their indices have in the cache.

        Args:
            entries: Of the set.
        """
        return frozenset(name for each in entries for name in (each.sha256, each.index_sha256))

    def bring(self, entry: ShardEntry, *, keep: Set[str], stop: Event) -> None:
        """Fetches a tar and its index ahead of their use.

        Args:
            entry: Of the set.
            keep: Names in the cache that must not make room for it; it may change meanwhile.
            stop: Set from another thread to give up.

        Raises:
            ShardError: They cannot be fetched, or only what must stay could make room.
        """
        for file in (self._index(entry), self.tar(entry)):
            self.cache.bring(file, keep=keep, stop=stop)

    def tar(self, entry: ShardEntry) -> RemoteFile:
        """What is known of a tar.

        Args:
            entry: Of the set.

        Raises:
            ShardError: Its digest is none.
        """
        return RemoteFile(join_url(self.url, entry.file), entry.bytes, entry.sha256)

    def _index(self, entry: ShardEntry) -> RemoteFile:
        name = sidecar_path(Path(entry.file)).name
        return RemoteFile(join_url(self.url, name), None, entry.index_sha256)

    def _read(self, file: RemoteFile) -> bytes:
        with os.fdopen(self.cache.open(file), "rb") as opened:
            return opened.read()
