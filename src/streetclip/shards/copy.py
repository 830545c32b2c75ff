"""Copies the good samples of one tar, byte for byte, into a new tar with an index."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from streetclip.errors import AbsentError, SampleError, ShardError
from streetclip.shards.group import IMAGE_EXTENSIONS
from streetclip.shards.index import Places, index_tar, save_index
from streetclip.shards.layout import ShardEntry, sync_folder
from streetclip.shards.newtar import Add, new_tar
from streetclip.shards.picture import open_photograph
from streetclip.shards.reach import Reached, Source, reach
from streetclip.shards.salvage import salvage_members
from streetclip.shards.tar import Member


@dataclass(frozen=True, slots=True)
class CopyJob:
    """One tar to be copied.

    Args:
        source: From `Source.alone`.
        left_out: Positions of the samples that are not copied.
        tar: Where the copy goes.
    """

    source: Source
    left_out: AbstractSet[int]
    tar: Path


@dataclass(frozen=True)
class Copied:
    """A tar that is done.

    Args:
        entry: Its line of `shards.json`; None where not one sample is left.
        places: Photographs per (country, region, town).
    """

    entry: ShardEntry | None
    places: Places


def copy_shard(job: CopyJob) -> Copied:
    """Copies photographs and JSON of the samples that are not left out; no other member.

    Headers are written anew, without owner and time; in a tar of our own they are the same.

    Args:
        job: What to copy.

    Returns:
        What was copied.

    Raises:
        ShardError: The tar changed since it was looked at, or cannot be fetched now.
    """
    try:
        with job.source.shard_set.held(0):
            return _copy(job)
    except AbsentError:
        return Copied(None, Counter())  # It is not there, which `verify` has said.


def _copy(job: CopyJob) -> Copied:
    try:
        reached = reach(job.source)
    except ShardError:
        return Copied(None, Counter())  # Nothing of it can be read, which `verify` has said.
    kept = [sample for sample in range(reached.count) if sample not in job.left_out]
    if not kept:
        return Copied(None, Counter())
    partial = job.tar.with_name(job.tar.name + ".partial")
    names = _names(job.source.shard_set.path(0))
    with new_tar(partial) as add:
        for sample in kept:
            _copy_sample(reached, sample, names, add)
    reached.reader.close()
    # What may lie nowhere was decided before.
    found = index_tar(partial, needs_point=False)
    assert len(found.index) == len(kept), found.rejections
    partial.replace(job.tar)
    sync_folder(job.tar.parent)
    return Copied(save_index(job.tar, found.index), found.places)


def _names(tar: Path) -> dict[int, str]:
    """Names of members by the place of their data; of a damaged header there is none."""
    members = salvage_members(tar)
    return {member.offset: member.name for member in members if isinstance(member, Member)}


def _copy_sample(reached: Reached, sample: int, names: Mapping[int, str], add: Add) -> None:
    """Writes the two members in the order in which they lie in the source."""
    try:
        raw = reached.reader.read(0, sample)
    except SampleError as error:
        raise ShardError(
            f"{reached.reader.shard_set.describe(0)} changed while it was copied",
            got=error,
            remedy="repeat the command in a new folder when nothing writes to it any more",
        ) from error
    image_offset, metadata_offset = reached.reader.offsets(0, sample)
    extension = names.get(image_offset, "").rpartition(".")[2]
    if extension.lower() not in IMAGE_EXTENSIONS:
        extension = _extension(raw.image)
    image = (image_offset, f"{raw.key}.{extension}", raw.image)
    metadata = (metadata_offset, f"{raw.key}.json", raw.metadata)
    for _, name, data in sorted((image, metadata)):
        add(name, data)


def _extension(image: bytes) -> str:
    """The ending for a photograph whose name is lost."""
    with open_photograph(image) as opened:
        return {"PNG": "png", "WEBP": "webp"}.get(opened.format or "", "jpg")
