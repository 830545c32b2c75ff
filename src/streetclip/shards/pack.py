"""Writes one shard: photographs re-encoded into a tar, its index, and a record that it is done."""

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from streetclip.errors import SampleError
from streetclip.records import Rejection
from streetclip.shards.index import Places, save_index
from streetclip.shards.layout import ShardEntry, sync_folder, write_whole
from streetclip.shards.newtar import Add, new_tar
from streetclip.shards.photograph import encode_photograph
from streetclip.shards.sample import parse_metadata
from streetclip.shards.scan import Stamp, read_stamped
from streetclip.shards.sidecar import ShardIndex, make_index


@dataclass(frozen=True, slots=True)
class PackSample:
    """A photograph to be packed.

    Args:
        key: Its key in the shard set.
        image: The file.
        name: What the source calls it.
        sha256: Of the file when it was first looked at.
        metadata: The JSON that goes beside it.
        stamp: Of the file at that time; where it is the same, `sha256` is not computed again.
    """

    key: str
    image: str
    name: str
    sha256: str
    metadata: bytes
    stamp: Stamp = ()


@dataclass(frozen=True, slots=True)
class PackJob:
    """One shard to be written.

    Args:
        tar: Where.
        record: Where the record goes that this shard is done.
        samples: What.
        max_side_px: Longer side of the photographs, at most.
        quality: JPEG quality.
        max_pixels: Width times height of an original, at most.
    """

    tar: Path
    record: Path
    samples: Sequence[PackSample]
    max_side_px: int
    quality: int
    max_pixels: int


@dataclass(frozen=True)
class Packed:
    """A shard that is done.

    Args:
        entry: Its line of `shards.json`; None where not one photograph could be decoded.
        places: Photographs per (country, region, town).
        rejections: Photographs that could not be decoded.
    """

    entry: ShardEntry | None
    places: Places
    rejections: list[Rejection]


def pack_shard(job: PackJob) -> Packed:
    """Writes a shard, or finds that an earlier, killed build has written it.

    The bytes depend on the job alone: no clock, user or process is in the tar.

    Args:
        job: What to write.

    Returns:
        What was written.
    """
    done = read_record(job)
    if done is not None:
        return done
    partial = job.tar.with_name(job.tar.name + ".partial")
    written, rejections = _Written(), list[Rejection]()
    with new_tar(partial) as add:
        for sample in job.samples:
            try:
                image = _encode(sample, job)
            except SampleError as error:
                rejections.append(Rejection(sample.name, error.reason, error.detail))
                continue
            written.add(sample, image, add)
    packed = _finish(job, partial, written, rejections)
    write_whole(job.record, _encode_record(packed))
    return packed


def read_record(job: PackJob) -> Packed | None:
    """What an earlier build says about a shard, if what it wrote is still there.

    Args:
        job: The shard.

    Returns:
        The outcome, or None where the shard must be written.
    """
    try:
        content = json.loads(job.record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    entry = None if content["entry"] is None else ShardEntry(**content["entry"])
    if entry is not None:
        with_index = (job.tar, job.tar.with_name(job.tar.name + ".index"))
        if not all(path.is_file() for path in with_index):
            return None
        if job.tar.stat().st_size != entry.bytes:
            return None
    places = Counter({(c, r, t): count for c, r, t, count in content["places"]})
    return Packed(entry, places, [Rejection(*row) for row in content["rejections"]])


def _encode(sample: PackSample, job: PackJob) -> bytes:
    try:
        raw, stamp = read_stamped(Path(sample.image))
    except OSError as error:
        raise SampleError("unreadable_file", error.strerror or type(error).__name__) from error
    unchanged = stamp and stamp == sample.stamp
    if not unchanged and hashlib.sha256(raw).hexdigest() != sample.sha256:
        raise SampleError("file_changed", "while the shards were being built")
    encoded = encode_photograph(
        raw, max_side_px=job.max_side_px, quality=job.quality, max_pixels=job.max_pixels
    )
    return encoded.data


class _Written:
    """Notes where each sample lies, while it is in memory: nothing is read back for the index."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._records: list[tuple[int, ...]] = []
        self._countries: list[str | None] = []
        self.places: Places = Counter()

    def add(self, sample: PackSample, image: bytes, add: Add) -> None:
        metadata = sample.metadata
        # What may lie nowhere was decided before.
        columns = parse_metadata(metadata, needs_point=False)
        offsets = (add(f"{sample.key}.jpg", image), add(f"{sample.key}.json", metadata))
        sums = (zlib.crc32(image), zlib.crc32(metadata))
        self._keys.append(sample.key)
        self._records.append((*offsets, len(image), len(metadata), *sums))
        self._countries.append(columns.get("country"))
        self.places[columns.get("country"), columns.get("region"), columns.get("town")] += 1

    @property
    def index(self) -> ShardIndex:
        return make_index(self._keys, self._records, self._countries)


def _finish(job: PackJob, partial: Path, written: _Written, rejections: list[Rejection]) -> Packed:
    """Index before the tar gets its name: a tar under its own name is always whole."""
    if len(rejections) == len(job.samples):
        partial.unlink()
        return Packed(None, Counter(), rejections)
    partial.replace(job.tar)
    sync_folder(job.tar.parent)
    return Packed(save_index(job.tar, written.index), written.places, rejections)


def _encode_record(packed: Packed) -> bytes:
    content = {
        "entry": None if packed.entry is None else asdict(packed.entry),
        "places": [[*place, count] for place, count in packed.places.items()],
        "rejections": [[row.name, row.reason, row.detail] for row in packed.rejections],
    }
    return json.dumps(content, ensure_ascii=False).encode()
