"""What a shard set is: tars, an index beside each, and `shards.json` that names them."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.durable import sync_folder, write_whole
from streetclip.shards.files import LocalFiles, RemoteFiles, ShardEntry, ShardFiles
from streetclip.shards.find import (
    SHARDS_FILE,
    SPLITS,
    available_splits,
    find_remote,
    find_root,
    is_shard_set,
)
from streetclip.shards.remote import check_url, is_url, shown
from streetclip.shards.shardlist import VERSION, parse_list, shard_set_digest

__all__ = [
    "SHARDS_FILE",
    "SPLITS",
    "VERSION",
    "ShardEntry",
    "ShardSet",
    "available_splits",
    "is_shard_set",
    "open_shard_set",
    "shard_set_digest",
    "sync_folder",
    "write_shard_set",
    "write_whole",
]


@dataclass(frozen=True)
class ShardSet:
    """Tars that can be read sample by sample, wherever they lie.

    Args:
        place: The folder, or the URL and its cache.
        shards: Its tars, in order.
        digest: Of all tars and indices; two sets with the same digest are the same set.
        countries: Photographs per ISO code; those without a country are not counted.
        towns: Photographs per place, ``"CC/Region/Town"``.
        split: ``"train"``, ``"val"``, ``"all"``, or None for tars that were only indexed.
        options: How the set was built, as plain values.
    """

    place: Path | RemoteFiles
    shards: tuple[ShardEntry, ...]
    digest: str
    countries: Mapping[str, int]
    town_counts: Mapping[str, int] = field(repr=False)
    split: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(shard.samples for shard in self.shards)

    @property
    def samples_per_shard(self) -> tuple[int, ...]:
        """Samples in each tar, in order."""
        return tuple(shard.samples for shard in self.shards)

    @property
    def towns(self) -> frozenset[str]:
        """The places that the photographs show, ``"CC/Region/Town"``."""
        return frozenset(self.town_counts)

    @property
    def files(self) -> ShardFiles:
        """Gives the tars and their indices."""
        return LocalFiles(self.place) if isinstance(self.place, Path) else self.place

    @property
    def remote(self) -> RemoteFiles | None:
        """The URL and its cache; None for a folder."""
        return None if isinstance(self.place, Path) else self.place

    @property
    def root(self) -> Path:
        """The folder of the set.

        Raises:
            ShardError: It lies at a URL.
        """
        if isinstance(self.place, Path):
            return self.place
        raise ShardError(f"{self.location} is no folder", allowed="a shard set on this machine")

    @property
    def location(self) -> str:
        """The folder or URL of the set, for messages."""
        return str(self.place) if isinstance(self.place, Path) else shown(self.place.url)

    @property
    def name(self) -> str:
        """The last part of its place."""
        return self.location.rstrip("/?.").rpartition("/")[2]

    def path(self, shard: int) -> Path:
        """Where a tar lies on the disk; one at a URL is fetched first, and must be opened soon.

        Args:
            shard: Position in `shards`.

        Returns:
            Its path.

        Raises:
            ShardError: It cannot be fetched.
        """
        return self.files.path(self.shards[shard])

    @contextmanager
    def held(self, shard: int) -> Iterator[None]:
        """Keep a tar from making room in a cache for others; nothing where there is no cache.

        Args:
            shard: Position in `shards`.

        Raises:
            ShardError: It cannot be fetched.
        """
        handle = None if self.remote is None else self.remote.open_tar(self.shards[shard])
        try:
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def describe(self, shard: int) -> str:
        """The path or URL of a tar, for messages; nothing is fetched.

        Args:
            shard: Position in `shards`.
        """
        return self.files.describe(self.shards[shard])


def open_shard_set(
    path: Path | str,
    *,
    split: str | None = None,
    check_files: bool = True,
    cache: Cache | None = None,
) -> ShardSet:
    """Opens a shard set and checks that its files are there in the right size.

    The files of a set at a URL are fetched when they are read; its list of shards is fetched now.

    Args:
        path: A folder with `shards.json`, or one that holds ``train``, ``val`` or ``all``; or the
            URL of such a folder.
        split: Which of them; a set that was not split serves as ``train``. None takes the only one.
        check_files: False takes files that are missing or changed, for those who name them.
        cache: Where files from a URL are kept; None is the user's.

    Returns:
        The shard set; no tar is read yet.

    Raises:
        ShardError: Nothing to open, the split is missing, or files are missing or changed.
    """
    if is_url(path):
        shard_set = _open_remote(str(path), split, Cache() if cache is None else cache)
    else:
        root = find_root(Path(path), split)
        shard_set = _parse(_read_list(root / SHARDS_FILE), root, str(root / SHARDS_FILE))
    own = shard_set.split
    if split is not None and own in ("train", "val") and own != split:
        raise ShardError(f"{path} is the {own} split", got=f"asked for {split}")
    if check_files:
        _check_files(shard_set)
    return shard_set


def write_shard_set(shard_set: ShardSet) -> None:
    """Writes `shards.json`, whole or not at all.

    Args:
        shard_set: Its `root` is the folder to write to.
    """
    content = {
        "version": VERSION,
        "digest": shard_set.digest,
        "split": shard_set.split,
        "samples": len(shard_set),
        "shards": [asdict(shard) for shard in shard_set.shards],
        "countries": dict(sorted(shard_set.countries.items())),
        "towns": dict(sorted(shard_set.town_counts.items())),
        "options": dict(shard_set.options),
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    write_whole(shard_set.root / SHARDS_FILE, text.encode())


def _read_list(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ShardError(f"{path} cannot be read", got=error) from error


def _open_remote(url: str, split: str | None, cache: Cache) -> ShardSet:
    check_url(url)
    found, raw = find_remote(url, split, cache.effort)
    return _parse(raw, RemoteFiles(found, cache), f"{shown(found)}/{SHARDS_FILE}")


def _parse(raw: bytes, place: Path | RemoteFiles, name: str) -> ShardSet:
    found = parse_list(raw, name)
    return ShardSet(
        place,
        found.shards,
        found.digest,
        found.countries,
        found.town_counts,
        found.split,
        found.options,
    )


def _check_files(shard_set: ShardSet) -> None:
    if not shard_set.shards:
        raise ShardError(f"{shard_set.location} is a shard set without samples")
    for shard in shard_set.shards:
        shard_set.files.check(shard)
