"""Looks at everything in a shard set once, so that training meets no bad sample."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from streetclip.errors import SampleError, ShardError, TarError
from streetclip.shards.cache import Cache
from streetclip.shards.patience import patiently
from streetclip.shards.pool import in_processes
from streetclip.shards.progress import OnProgress, progress_bars
from streetclip.shards.reach import Reached, Source, find_sources, reach, reach_by_index
from streetclip.shards.read import RawSample
from streetclip.shards.tar import walk_tar

_CHUNK = 1_000

Check = Callable[[RawSample], None]
"""Raises a `SampleError` on a sample that training could not use; must be picklable."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a shard or a sample.

    Args:
        shard: Path of the tar, as seen from the folder that was verified.
        key: Of the sample, or name of a member that belongs to none; empty where the whole shard is
            concerned.
        reason: A short code.
        detail: What exactly was found.
        sample: Position in the tar's index, or in what a walk finds; None where it is no sample.
        left_out: Whether a clean copy of the shard set lacks something because of it.
    """

    shard: str
    key: str
    reason: str
    detail: str
    sample: int | None = None
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class _Job:
    source: Source
    check: Check
    start: int
    weight: int

    @property
    def name(self) -> str:
        return self.source.prefix + self.source.shard_set.shards[0].file


@dataclass(frozen=True)
class _Found:
    problems: list[Problem]
    keys: list[str]


def verify(
    folder: Path | str,
    check: Check,
    *,
    processes: int = 1,
    progress: bool = False,
    cache: Cache | None = None,
) -> list[Problem]:
    """Checks digests, tar structure, index, metadata, and every pixel of every photograph.

    Args:
        folder: A shard set, the folder that holds its splits, or tars without an index; a shard
            set may be at a URL.
        check: Looks at one sample.
        processes: How many look at a time.
        progress: Show a progress bar on the terminal.
        cache: Where files from a URL are kept; None is the user's.

    Returns:
        All problems, in the order of shards and samples for any number of processes; an empty list
        is what one hopes for.

    Raises:
        ShardError: There is no shard set and no tar.
    """
    with progress_bars(show=progress) as on_progress:
        return verify_sources(find_sources(folder, cache=cache), check, processes, on_progress)


def verify_sources(
    sources: list[Source], check: Check, processes: int, on_progress: OnProgress
) -> list[Problem]:
    """The same for sources that are open already.

    Args:
        sources: From `find_sources`.
        check: Looks at one sample.
        processes: How many look at a time.
        on_progress: Called with ``"verify"``, how much is done, and how much there is.

    Returns:
        All problems.
    """
    jobs = [job for source in sources for job in _jobs(source, check)]
    total, done = sum(job.weight for job in jobs), 0
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    outcomes = in_processes(_look, jobs, processes=min(processes, len(jobs)))
    for job, found in zip(jobs, outcomes, strict=True):
        problems += found.problems
        bad = {problem.sample for problem in found.problems}
        for sample, key in enumerate(found.keys, job.start):
            first = job.name if sample in bad else seen.setdefault(key, job.name)
            if first != job.name:
                problems.append(_bad(job, key, sample, "duplicate_key", f"also in {first}"))
        done += job.weight
        on_progress("verify", done, total)
    return problems


def _jobs(source: Source, check: Check) -> Iterator[_Job]:
    """Parts of shards, so that a single large shard keeps several processes busy too."""
    for shard, entry in enumerate(source.shard_set.shards):
        alone = source.alone(shard)
        # Of a tar without an index nobody knows the samples: it is one part, and weighs what it is.
        size = entry.samples if source.indexed else 1
        for start in range(0, max(size, 1), _CHUNK):
            yield _Job(alone, check, start, min(_CHUNK, size - start))


def _look(job: _Job) -> _Found:
    """What is wrong with one part; the first part of a shard speaks for its files too."""
    try:
        with job.source.shard_set.held(0):
            return _look_at_part(job)
    except ShardError as error:  # it cannot be fetched
        return _Found([] if job.start else [_gone(job, error)], [])


def _look_at_part(job: _Job) -> _Found:
    if job.start:
        try:
            reached = reach_by_index(job.source)
        except ShardError:
            return _Found([], [])
        return _look_at_samples(job, reached, min(job.start + _CHUNK, reached.count))
    problems = [Problem(job.name, "", *fault) for fault in _file_faults(job)]
    try:
        reached = reach(job.source)
    except ShardError as error:
        return _Found([*problems, _gone(job, error)], [])
    stop = reached.count if reached.walked else min(_CHUNK, reached.count)
    found = _look_at_samples(job, reached, stop)
    return _Found([*problems, *_lost(job, reached), *found.problems], found.keys)


def _look_at_samples(job: _Job, reached: Reached, stop: int) -> _Found:
    problems: list[Problem] = []
    keys: list[str] = []
    for sample in range(job.start, stop):
        keys.append(reached.reader.key(0, sample))
        try:
            job.check(reached.reader.read(0, sample))
        except SampleError as error:
            problems.append(_bad(job, keys[-1], sample, error.reason, error.detail))
        except ShardError as error:
            problems.append(_bad(job, keys[-1], sample, "unreadable_file", str(error)))
    reached.reader.close()
    return _Found(problems, keys)


def _gone(job: _Job, error: ShardError) -> Problem:
    return Problem(job.name, "", "unreadable_file", str(error), left_out=True)


def _bad(job: _Job, key: str, sample: int, reason: str, detail: str) -> Problem:
    return Problem(job.name, key, reason, detail, sample, left_out=True)


def _file_faults(job: _Job) -> Iterator[tuple[str, str]]:
    if job.start or not job.source.indexed:
        return
    shard_set, entry = job.source.shard_set, job.source.shard_set.shards[0]
    path = shard_set.path(0)
    try:
        if _sha256(path) != entry.sha256:
            yield "tar_digest", "the tar is not the one that was indexed"
        for _ in walk_tar(path):
            pass
    except TarError as error:
        yield error.reason, str(error)
    except (ShardError, OSError) as error:
        yield "unreadable_file", str(error)
    try:
        if _sha256(shard_set.files.index_path(entry)) != entry.index_sha256:
            yield "index_digest", "the index is not the one that shards.json names"
    except ShardError as error:
        yield "unreadable_file", str(error)


def _sha256(path: Path) -> str:
    def digest() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return patiently(digest, str(path))


def _lost(job: _Job, reached: Reached) -> Iterator[Problem]:
    """What a walk could not use, where an index is missing or damaged."""
    file = job.source.shard_set.shards[0].file
    if reached.index_fault is not None:
        yield Problem(job.name, "", "damaged_index", reached.index_fault)
    for row in reached.lost:
        name = row.name.removeprefix(file).removeprefix("/")
        yield Problem(job.name, name, row.reason, row.detail, left_out=True)
