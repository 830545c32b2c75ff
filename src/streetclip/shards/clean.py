"""Writes a shard set of the good samples of another one, and accounts for all others."""

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple, dataclass
from pathlib import Path

from streetclip.errors import ShardError
from streetclip.records import Rejection
from streetclip.shards.copy import Copied, CopyJob, copy_shard
from streetclip.shards.index import Places, count_countries, count_towns
from streetclip.shards.layout import ShardSet, shard_set_digest, write_shard_set
from streetclip.shards.lists import REJECTED_FILE, write_rejections
from streetclip.shards.pool import in_processes
from streetclip.shards.progress import OnProgress, progress_bars
from streetclip.shards.reach import Source, find_sources
from streetclip.shards.resume import STATE_FOLDER, check_output, entered_output
from streetclip.shards.space import check_free
from streetclip.shards.verify import Check, Problem, verify_sources

_FORMAT = 1


@dataclass(frozen=True)
class Cleaned:
    """What became of every sample of a shard set.

    Args:
        out: The clean shard set, or the folder of its splits.
        kept: Samples in it.
        rejections: All others, and whatever else of the tars belongs to no sample; they stand in
            `rejected.csv`.
        problems: What was wrong with the source.
    """

    out: Path
    kept: int
    rejections: list[Rejection]
    problems: list[Problem]


def clean(
    folder: Path | str, out: Path, check: Check, *, processes: int = 1, progress: bool = False
) -> Cleaned:
    """Verifies a shard set and copies what is good, byte for byte, into a new one.

    Photographs and JSON are not changed; names of tars and splits stay. Where a tar is damaged, the
    samples that its index still reaches are kept; where the index is missing or damaged, those that
    a walk finds. The same command repeated after it was killed begins anew.

    Args:
        folder: A shard set, the folder that holds its splits, or tars without an index; a shard
            set may be at a URL.
        out: A new or empty folder, or that of the same command when it was killed.
        check: Looks at one sample, as `verify` does.
        processes: How many look at a time.
        progress: Show progress bars on the terminal.

    Returns:
        What was kept, what was not, and why.

    Raises:
        ShardError: There is nothing to verify, the folder holds something else, the disk is too
            small, or a split has not one good sample.
    """
    check_output(out)
    sources = find_sources(folder)
    with progress_bars(show=progress) as on_progress:
        problems = verify_sources(sources, check, processes, on_progress)
        check_free(out, sum(entry.bytes for each in sources for entry in each.shard_set.shards))
        origins = [_origin(source) for source in sources]
        with entered_output(out, _fingerprint(origins, problems)):
            copied = _copy_all(sources, out, _left_out(problems), processes, on_progress)
            sets = [
                _write_set(source, origin, out, copied[source.prefix])
                for source, origin in zip(sources, origins, strict=True)
            ]
            rejections = list(_rejections(problems))
            write_rejections(out / REJECTED_FILE, rejections)
            shutil.rmtree(out / STATE_FOLDER)
    return Cleaned(out, sum(map(len, sets)), rejections, problems)


def _left_out(problems: Sequence[Problem]) -> dict[str, set[int]]:
    left_out: dict[str, set[int]] = defaultdict(set)
    for problem in problems:
        if problem.sample is not None:
            left_out[problem.shard].add(problem.sample)
    return left_out


def _rejections(problems: Sequence[Problem]) -> Iterator[Rejection]:
    """One line for each sample, the first reason counting, and for each place without samples."""
    listed: set[tuple[str, int]] = set()
    for problem in problems:
        if problem.sample is not None:
            if (problem.shard, problem.sample) in listed:
                continue
            listed.add((problem.shard, problem.sample))
        if problem.left_out:
            name = f"{problem.shard}/{problem.key}" if problem.key else problem.shard
            yield Rejection(name, problem.reason, problem.detail)


def _origin(source: Source) -> str:
    """The digest of a shard set, or of tars that are none."""
    if source.indexed:
        return source.shard_set.digest
    digest = hashlib.sha256()
    for shard, entry in enumerate(source.shard_set.shards):
        with source.shard_set.path(shard).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{sha256} {entry.file}\n".encode())
    return digest.hexdigest()


def _fingerprint(origins: Sequence[str], problems: Sequence[Problem]) -> str:
    plain = [_FORMAT, list(origins), [astuple(problem) for problem in problems]]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def _copy_all(
    sources: Sequence[Source],
    out: Path,
    left_out: Mapping[str, AbstractSet[int]],
    processes: int,
    on_progress: OnProgress,
) -> dict[str, list[Copied]]:
    """Copies all tars; the outcomes of each source in the order of its tars."""
    jobs = []
    for source in sources:
        (out / source.prefix).mkdir(exist_ok=True)
        for shard, entry in enumerate(source.shard_set.shards):
            bad = left_out.get(source.prefix + entry.file, frozenset())
            jobs.append(CopyJob(source.alone(shard), bad, out / source.prefix / entry.file))
    copied: dict[str, list[Copied]] = {source.prefix: [] for source in sources}
    outcomes = in_processes(copy_shard, jobs, processes=min(processes, len(jobs)))
    for done, (job, outcome) in enumerate(zip(jobs, outcomes, strict=True), 1):
        copied[job.source.prefix].append(outcome)
        on_progress("copy", done, len(jobs))
    return copied


def _write_set(source: Source, origin: str, out: Path, copied: Sequence[Copied]) -> ShardSet:
    entries = tuple(each.entry for each in copied if each.entry is not None)
    if not entries:
        raise ShardError(
            f"not one sample of {source.shard_set.location} can be used",
            remedy="see `streetclip shards verify`",
        )
    places: Places = Counter()
    for each in copied:
        places.update(each.places)
    options = {**source.shard_set.options, "cleaned_from": origin}
    made = ShardSet(
        out / source.prefix,
        entries,
        shard_set_digest(entries, options),
        count_countries(places),
        count_towns(places),
        source.shard_set.split,
        options,
    )
    write_shard_set(made)
    return made
