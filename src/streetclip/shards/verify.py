"""Decodes everything in a shard set once, so that training meets no bad sample."""

import hashlib
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from streetclip.errors import SampleError, ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.find import read_list, remote_splits
from streetclip.shards.layout import SHARDS_FILE, ShardSet, available_splits, open_shard_set
from streetclip.shards.photograph import DECODE_ERRORS, open_photograph
from streetclip.shards.pool import in_processes
from streetclip.shards.progress import progress_bars
from streetclip.shards.read import ShardReader
from streetclip.shards.remote import is_url, join_url, shown
from streetclip.shards.sample import parse_metadata
from streetclip.shards.tar import check_tar

MAX_PIXELS = 80_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a shard or a sample.

    Args:
        shard: Path of the tar, as seen from the folder that was verified.
        key: Of the sample; empty where the whole shard is concerned.
        reason: A short code.
        detail: What exactly was found.
    """

    shard: str
    key: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Job:
    shard_set: ShardSet
    shard: int
    prefix: str


def find_shard_sets(folder: Path | str, *, cache: Cache | None = None) -> list[ShardSet]:
    """The shard sets in a folder: itself, or each of its splits.

    Args:
        folder: As given to ``streetclip shards verify`` or ``stats``; may be a URL.
        cache: Where files from a URL are kept; None is the user's.

    Returns:
        One or more.

    Raises:
        ShardError: There is none, or files of one are missing.
    """
    cache = Cache() if cache is None else cache
    if is_url(folder):
        url = str(folder)
        is_set = read_list(url, cache.effort) is not None
        names = () if is_set else remote_splits(url, cache.effort)
        places = [join_url(url, name) for name in names] or [url]
        return [open_shard_set(place, cache=cache) for place in places]
    folder = Path(folder)
    if (folder / SHARDS_FILE).is_file() or not available_splits(folder):
        return [open_shard_set(folder)]
    return [open_shard_set(folder / name) for name in available_splits(folder)]


def verify(
    folder: Path | str,
    *,
    processes: int = 1,
    progress: bool = False,
    cache: Cache | None = None,
) -> list[Problem]:
    """Checks digests, tar structure, index, metadata, and every pixel of every photograph.

    Args:
        folder: A shard set, or the folder that holds its splits; may be a URL.
        processes: Shards at a time.
        progress: Show a progress bar on the terminal.
        cache: Where files from a URL are kept; None is the user's.

    Returns:
        All problems, in the order of shards and samples; an empty list is what one hopes for.

    Raises:
        ShardError: There is no shard set that could be opened.
    """
    jobs = [
        _Job(shard_set, shard, prefix)
        for shard_set, prefix in _prefixed(find_shard_sets(folder, cache=cache), folder)
        for shard in range(len(shard_set.shards))
    ]
    total = sum(job.shard_set.shards[job.shard].samples for job in jobs)
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    done = 0
    with progress_bars(show=progress) as on_progress:
        for job, (found, keys) in zip(
            jobs, in_processes(_verify_shard, jobs, processes=processes), strict=True
        ):
            name = _name(job)
            problems += found
            for key in keys:
                if seen.setdefault(key, name) != name:
                    problems.append(Problem(name, key, "duplicate_key", f"also in {seen[key]}"))
            done += job.shard_set.shards[job.shard].samples
            on_progress("verify", done, total)
    return problems


def _prefixed(sets: Sequence[ShardSet], folder: Path | str) -> Iterator[tuple[ShardSet, str]]:
    """Shard sets with what stands before the names of their tars: the folder of a split."""
    for shard_set in sets:
        is_whole = shard_set.location == (shown(str(folder)) if is_url(folder) else str(folder))
        yield shard_set, "" if is_whole else f"{shard_set.name}/"


def _name(job: _Job) -> str:
    return job.prefix + job.shard_set.shards[job.shard].file


def _verify_shard(job: _Job) -> tuple[list[Problem], list[str]]:
    """Problems and keys of one shard; a shard that cannot be read at all is one problem."""
    name, entry = _name(job), job.shard_set.shards[job.shard]
    try:
        # What is held open here is not what makes room in a cache for other shards.
        with os.fdopen(job.shard_set.files.open_tar(entry), "rb"):
            problems = [Problem(name, "", *fault) for fault in _file_faults(job)]
            keys, more = _verify_samples(job, name)
    except ShardError as error:
        return [Problem(name, "", "damaged_shard", str(error))], []
    return problems + more, keys


def _file_faults(job: _Job) -> Iterator[tuple[str, str]]:
    entry, path = job.shard_set.shards[job.shard], job.shard_set.path(job.shard)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
            yield "tar_digest", "the tar is not the one that was indexed"
    index = job.shard_set.files.index_path(entry).read_bytes()
    if hashlib.sha256(index).hexdigest() != entry.index_sha256:
        yield "index_digest", "the index is not the one that shards.json names"
    try:
        check_tar(path)
    except ShardError as error:
        yield "damaged_tar", str(error)


def _verify_samples(job: _Job, name: str) -> tuple[list[str], list[Problem]]:
    reader = ShardReader(job.shard_set)
    keys, problems = [], []
    for sample in range(job.shard_set.shards[job.shard].samples):
        keys.append(reader.key(job.shard, sample))
        try:
            raw = reader.read(job.shard, sample)
            parse_metadata(raw.metadata)
            decode_all(raw.image)
        except SampleError as error:
            problems.append(Problem(name, keys[-1], error.reason, error.detail))
    reader.close()
    return keys, problems


def decode_all(raw: bytes) -> tuple[int, int]:
    """Decodes every pixel of a photograph.

    Args:
        raw: Its bytes.

    Returns:
        Width and height in pixels.

    Raises:
        SampleError: It cannot be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_photograph(io.BytesIO(raw), max_pixels=MAX_PIXELS) as image:
                image.load()
                return image.size
    except (*DECODE_ERRORS, Image.DecompressionBombError) as error:
        raise SampleError("unreadable_image", f"{type(error).__name__}: {error}") from error
