"""Every sample of a shard that can still be reached: through its index, or else by a walk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from streetclip.errors import ShardError
from streetclip.records import Rejection
from streetclip.shards.cache import Cache
from streetclip.shards.find import places_of
from streetclip.shards.layout import SHARDS_FILE, ShardEntry, ShardSet, open_shard_set
from streetclip.shards.patience import patiently
from streetclip.shards.read import ShardReader
from streetclip.shards.remote import is_url
from streetclip.shards.salvage import salvage_tar


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of tars that somebody wants to have looked at.

    Args:
        shard_set: Its tars; those of a folder without an index have 0 samples and no digests.
        indexed: Whether the folder has an index.
        prefix: What stands before the names of its tars in lists, such as ``"train/"``.
    """

    shard_set: ShardSet
    indexed: bool
    prefix: str = ""

    def alone(self, shard: int) -> "Source":
        """One tar as a source of its own, which is little to send to another process.

        Args:
            shard: Position in the set.

        Returns:
            A source whose only shard is that one.
        """
        shards = (self.shard_set.shards[shard],)
        return replace(
            self, shard_set=replace(self.shard_set, shards=shards, countries={}, town_counts={})
        )


@dataclass(frozen=True)
class Reached:
    """The samples of one tar that have a place in it.

    Args:
        reader: Reads them as shard 0.
        count: How many there are.
        walked: Whether a walk found them, and no index.
        lost: What has no place in an index and what a walk could not use, where there was a walk.
        index_fault: Why the index could not be used, where there is one.
    """

    reader: ShardReader
    count: int
    walked: bool = False
    lost: list[Rejection] = field(default_factory=list)
    index_fault: str | None = None


def find_sources(folder: Path | str, *, cache: Cache | None = None) -> list[Source]:
    """What a folder holds: a shard set, its splits, or tars without an index.

    Args:
        folder: Any folder, or the URL of a shard set or its splits.
        cache: Where files from a URL are kept; None is the user's.

    Returns:
        One or more; none of their tars has been looked at.

    Raises:
        ShardError: There is no tar, or a `shards.json` cannot be read.
    """
    cache = Cache() if cache is None else cache
    places = places_of(folder, cache.effort)
    if not is_url(folder) and len(places) == 1 and not (Path(folder) / SHARDS_FILE).is_file():
        tars = sorted(Path(folder).glob("*.tar"))
        if tars and not places[0][1]:
            return [Source(_without_index(Path(folder), tars), False)]
    return [
        Source(open_shard_set(place, check_files=False, cache=cache), True, prefix)
        for place, prefix in places
    ]


def reach(source: Source) -> Reached:
    """Finds the samples of a tar.

    Args:
        source: From `Source.alone`.

    Returns:
        Those that the index names. Where no index can be used, those that a walk finds.

    Raises:
        ShardError: There is no index that can be used, and the tar cannot be read.
    """
    fault = None
    if source.indexed:
        try:
            return reach_by_index(source)
        except ShardError as error:
            fault = str(error)
    path = source.shard_set.path(0)
    found = patiently(lambda: salvage_tar(path), str(path))
    lost = found.rejections + list(_missing(source, len(found.index)))
    reader = ShardReader(source.shard_set, indices={0: found.index})
    return Reached(reader, len(found.index), walked=True, lost=lost, index_fault=fault)


def reach_by_index(source: Source) -> Reached:
    """The samples that the index of a tar names.

    Args:
        source: From `Source.alone`.

    Returns:
        All of them, wherever they lie.

    Raises:
        ShardError: The index cannot be used.
    """
    reader = ShardReader(source.shard_set)
    count = source.shard_set.shards[0].samples
    if count:
        reader.key(0, 0)
    return Reached(reader, count)


def _missing(source: Source, found: int) -> Iterator[Rejection]:
    """Samples that an index once named, as far as a walk does not find as many."""
    entry = source.shard_set.shards[0]
    if found < entry.samples:
        detail = f"{entry.samples - found} of {entry.samples} samples are out of reach"
        yield Rejection(entry.file, "damaged_tar", detail)


def _without_index(folder: Path, tars: Sequence[Path]) -> ShardSet:
    entries = tuple(ShardEntry(tar.name, _size(tar), "", 0, "") for tar in tars)
    return ShardSet(folder, entries, "", {}, {})


def _size(tar: Path) -> int:
    """What cannot be looked at, such as a link to nowhere, shows when it is opened."""
    try:
        return tar.stat().st_size
    except OSError:
        return 0
