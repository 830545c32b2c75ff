"""Makes the index of tars, ours or somebody else's, without changing a byte of them."""

import hashlib
import logging
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from streetclip.errors import SampleError, ShardError, TarError
from streetclip.records import Rejection
from streetclip.shards.group import Group, group_members, image_and_metadata
from streetclip.shards.layout import (
    ShardEntry,
    ShardSet,
    shard_set_digest,
    write_shard_set,
    write_whole,
)
from streetclip.shards.lists import REJECTED_FILE, write_rejections
from streetclip.shards.patience import patiently
from streetclip.shards.picture import open_photograph
from streetclip.shards.pool import in_processes
from streetclip.shards.sample import parse_metadata
from streetclip.shards.sidecar import ShardIndex, encode_index, make_index, sidecar_path
from streetclip.shards.tar import Member, walk_tar

logger = logging.getLogger(__name__)

Places = Counter[tuple[str | None, str | None, str | None]]


@dataclass(frozen=True)
class IndexedTar:
    """What one pass over a tar found.

    Args:
        index: Of the samples that can be used.
        places: Photographs per (country, region, town); None where unknown.
        rejections: Members and samples that cannot be used, with reasons.
    """

    index: ShardIndex
    places: Places
    rejections: list[Rejection]


def index_shards(folder: Path, *, processes: int = 1) -> ShardSet:
    """Makes a shard set of a folder of WebDataset tars: an index beside each, and `shards.json`.

    The tars are not changed. A damaged tar is refused; a sample that cannot be used (no image, no
    JSON, bad metadata) is left out, listed in `rejected.csv`, and counted in a warning. Of a
    photograph the header is read; its pixels are left to `verify`.

    Args:
        folder: Holds ``*.tar`` whose samples are an image and a ``.json``, ours or of OSV-5M form.
        processes: Tars read at a time.

    Returns:
        The shard set.

    Raises:
        ShardError: No tar, a damaged tar (all of them are named), or no usable sample.
    """
    tars = sorted(folder.glob("*.tar"))
    if not tars:
        raise ShardError(f"{folder} holds no tar", allowed="*.tar of jpg + json")
    entries, places, rejections, problems = [], Counter[str](), list[Rejection](), list[str]()
    countries: Counter[str] = Counter()
    for tar, outcome in zip(
        tars,
        in_processes(_index_or_error, tars, processes=min(processes, len(tars))),
        strict=True,
    ):
        if isinstance(outcome, ShardError):
            problems.append(str(outcome))
            continue
        rejections += outcome.rejections
        if len(outcome.index):
            entries.append(save_index(tar, outcome.index))
            countries += count_countries(outcome.places)
            places += count_towns(outcome.places)
    if problems:
        listed = "\n".join(f"  {text}" for text in problems[:20])
        raise ShardError(
            f"{len(problems)} of {len(tars)} tars cannot be indexed:\n{listed}\n"
            "what can still be read of all of them becomes a shard set with "
            f"`streetclip shards verify {folder} --clean OUT`"
        )
    write_rejections(folder / REJECTED_FILE, rejections)
    if not entries:
        raise ShardError(
            f"{folder} has no usable sample", got=f"{len(rejections)} listed in {REJECTED_FILE}"
        )
    if rejections:
        reasons = Counter(rejection.reason for rejection in rejections)
        logger.warning("%s: left out, see %s: %s", folder, REJECTED_FILE, dict(reasons))
    shard_set = ShardSet(folder, tuple(entries), shard_set_digest(entries), countries, places)
    write_shard_set(shard_set)
    return shard_set


def index_tar(tar: Path, *, needs_point: bool = True) -> IndexedTar:
    """Reads a tar once and says where its samples lie.

    Args:
        tar: An uncompressed tar.
        needs_point: Leave out samples without coordinates.

    Returns:
        Index, places and what cannot be used.

    Raises:
        ShardError: The tar is damaged, or two samples of it share a key.
    """
    return index_members(tar, walk_tar(tar), strict=True, needs_point=needs_point)


def index_members(
    tar: Path,
    members: Iterable[Member | TarError],
    *,
    strict: bool = False,
    needs_point: bool = True,
) -> IndexedTar:
    """Says where the samples of a tar lie, given its members.

    Args:
        tar: Where they lie.
        members: In order; an error among them stands for a place that cannot be read.
        strict: Refuse a tar in which two samples share a key, instead of taking the first.
        needs_point: Leave out samples without coordinates.

    Returns:
        Index, places and what cannot be used.

    Raises:
        ShardError: Two samples share a key, and `strict`.
    """
    keys: list[str] = []
    records: list[tuple[int, ...]] = []
    rejections: list[Rejection] = []
    places: Places = Counter()
    countries: list[str | None] = []

    def refuse(name: str, reason: str, detail: str) -> None:
        if strict and reason == "duplicate_key":
            raise ShardError(
                f"{tar} holds {name!r} twice, or its key",
                got=detail,
                allowed="the members of a sample next to each other, each key once",
            )
        rejections.append(Rejection(f"{tar.name}/{name}", reason, detail))

    with tar.open("rb") as file:
        for group in group_members(members, refuse):
            try:
                record, columns = _record(file, group, needs_point=needs_point)
            except SampleError as error:
                refuse(group.key, error.reason, error.detail)
                continue
            keys.append(group.key)
            records.append(record)
            countries.append(columns.get("country"))
            places[columns.get("country"), columns.get("region"), columns.get("town")] += 1
    if not keys and not rejections:
        rejections.append(Rejection(tar.name, "empty_tar", "no member"))
    return IndexedTar(make_index(keys, records, countries), places, rejections)


def save_index(tar: Path, index: ShardIndex) -> ShardEntry:
    """Writes an index beside its tar.

    Args:
        tar: Where it lies in the end.
        index: Of that tar.

    Returns:
        The line of `shards.json`.
    """
    data = encode_index(index)
    write_whole(sidecar_path(tar), data)
    with tar.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ShardEntry(
        tar.name, tar.stat().st_size, digest, len(index), hashlib.sha256(data).hexdigest()
    )


def count_countries(
    places: Places,
) -> Counter[str]:
    """Photographs per country.

    Args:
        places: Photographs per (country, region, town).

    Returns:
        Counts by ISO code; photographs without a country are not counted.
    """
    counts: Counter[str] = Counter()
    for (country, _, _), count in places.items():
        if country is not None:
            counts[country] += count
    return counts


def count_towns(places: Places) -> Counter[str]:
    """Photographs per town.

    Args:
        places: Photographs per (country, region, town).

    Returns:
        Counts by ``"CC/Region/Town"``; photographs without country or town are not counted.

    Example:
        >>> count_towns(Counter({("MC", None, "Monaco"): 2, ("FR", None, None): 1}))
        Counter({'MC//Monaco': 2})
    """
    counts: Counter[str] = Counter()
    for (country, region, town), count in places.items():
        if country is not None and town is not None:
            counts[f"{country}/{region or ''}/{town}"] += count
    return counts


def _index_or_error(tar: Path) -> IndexedTar | ShardError:
    """A problem of one tar is a result, so that all tars are looked at before the refusal."""
    try:
        return patiently(lambda: index_tar(tar), str(tar))
    except ShardError as error:
        return ShardError(str(error))


def _record(
    file: BinaryIO, group: Group[Member], *, needs_point: bool
) -> tuple[tuple[int, ...], dict[str, Any]]:
    image, metadata = image_and_metadata(group)
    photograph, raw = _bytes_of(file, image), _bytes_of(file, metadata)
    columns = parse_metadata(raw, needs_point=needs_point)
    open_photograph(photograph).close()
    offsets = (image.offset, metadata.offset, image.size, metadata.size)
    return (*offsets, zlib.crc32(photograph), zlib.crc32(raw)), columns


def _bytes_of(file: BinaryIO, member: Member) -> bytes:
    file.seek(member.offset)
    return file.read(member.size)
