"""Makes the index of tars, ours or somebody else's, without changing a byte of them."""

import hashlib
import logging
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from streetclip.errors import SampleError, ShardError
from streetclip.records import Rejection
from streetclip.shards.layout import (
    ShardEntry,
    ShardSet,
    shard_set_digest,
    write_shard_set,
    write_whole,
)
from streetclip.shards.lists import REJECTED_FILE, write_rejections
from streetclip.shards.pool import in_processes
from streetclip.shards.sample import MAX_METADATA_BYTES, parse_metadata
from streetclip.shards.sidecar import ShardIndex, encode_index, make_index, sidecar_path
from streetclip.shards.tar import Member, walk_tar

logger = logging.getLogger(__name__)

IMAGE_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "webp"})
Places = Counter[tuple[str | None, str | None, str | None]]
_MAX_IMAGE_BYTES = (1 << 32) - 1


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


@dataclass(slots=True)
class _Group:
    """Neighboring members that share the part of their name before the first dot."""

    key: str
    members: dict[str, Member] = field(default_factory=dict)


def index_shards(folder: Path, *, processes: int = 1) -> ShardSet:
    """Makes a shard set of a folder of WebDataset tars: an index beside each, and `shards.json`.

    The tars are not changed. A damaged tar is refused; a sample that cannot be used (no image, no
    JSON, bad metadata) is left out, listed in `rejected.csv`, and counted in a warning.

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
        tars, in_processes(_index_or_error, tars, processes=processes), strict=True
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
        raise ShardError(f"{len(problems)} of {len(tars)} tars cannot be indexed:\n{listed}")
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


def index_tar(tar: Path) -> IndexedTar:
    """Reads a tar once and says where its samples lie.

    Args:
        tar: An uncompressed tar.

    Returns:
        Index, places and what cannot be used.

    Raises:
        ShardError: The tar is damaged, or two samples of it share a key.
    """
    keys: list[str] = []
    records: list[tuple[int, ...]] = []
    rejections: list[Rejection] = []
    places: Places = Counter()
    with tar.open("rb") as file:
        for group in _groups(tar, rejections):
            try:
                record, columns = _record(file, group)
            except SampleError as error:
                rejections.append(Rejection(f"{tar.name}/{group.key}", error.reason, error.detail))
                continue
            keys.append(group.key)
            records.append(record)
            places[columns.get("country"), columns.get("region"), columns.get("town")] += 1
    return IndexedTar(make_index(keys, records), places, rejections)


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
        return index_tar(tar)
    except ShardError as error:
        return ShardError(str(error))


def _groups(tar: Path, rejections: list[Rejection]) -> Iterator[_Group]:
    """Samples as webdataset groups them: neighbors with equal names up to the first dot."""
    seen: set[str] = set()
    group: _Group | None = None
    for member in walk_tar(tar):
        folder, slash, base = member.name.rpartition("/")
        stem, dot, extension = base.partition(".")
        key, extension = f"{folder}{slash}{stem}", extension.lower()
        if not (stem and dot):
            rejections.append(Rejection(f"{tar.name}/{member.name}", "no_key", "name without dot"))
            continue
        if "." in extension and extension.rpartition(".")[2] in IMAGE_EXTENSIONS | {"json"}:
            detail = f"readers of WebDataset cut the key to {key!r}"
            rejections.append(Rejection(f"{tar.name}/{member.name}", "dot_in_key", detail))
            continue
        if group is None or group.key != key:
            if group is not None:
                yield group
            if key in seen:
                raise ShardError(
                    f"{tar} holds the key {key!r} twice",
                    allowed="the members of a sample next to each other, each key once",
                )
            seen.add(key)
            group = _Group(key)
        if extension in group.members:
            raise ShardError(f"{tar} holds the member {member.name!r} twice")
        group.members[extension] = member
    if group is not None:
        yield group


def _record(file: BinaryIO, group: _Group) -> tuple[tuple[int, ...], dict[str, Any]]:
    images = [ext for ext in group.members if ext in IMAGE_EXTENSIONS]
    if not group.key.isprintable():
        raise SampleError("bad_key", repr(group.key))
    if not images:
        raise SampleError("no_image", f"only {', '.join(sorted(group.members))}")
    if len(images) > 1:
        raise SampleError("two_images", ", ".join(images))
    if "json" not in group.members:
        raise SampleError("no_metadata", "no .json beside the image")
    image, metadata = group.members[images[0]], group.members["json"]
    if not 0 < image.size <= _MAX_IMAGE_BYTES:
        raise SampleError("bad_image_size", f"{image.size} bytes")
    if metadata.size > MAX_METADATA_BYTES:
        raise SampleError("metadata_too_large", f"{metadata.size} bytes")
    image_crc = zlib.crc32(_bytes_of(file, image))
    raw = _bytes_of(file, metadata)
    columns = parse_metadata(raw)
    offsets = (image.offset, metadata.offset, image.size, metadata.size)
    return (*offsets, image_crc, zlib.crc32(raw)), columns


def _bytes_of(file: BinaryIO, member: Member) -> bytes:
    file.seek(member.offset)
    return file.read(member.size)
