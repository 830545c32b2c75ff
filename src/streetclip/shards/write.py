"""Builds a shard set from a source: choose, split, shuffle, pack, and account for every row."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from streetclip.errors import ShardError
from streetclip.geo.countries import country_code
from streetclip.manifest.split import split_by_place
from streetclip.records import Rejection
from streetclip.shards.choose import Choice, choose_photographs
from streetclip.shards.codec import CODEC, CODEC_OPTION, codec_versions
from streetclip.shards.facts import climates, drives_left
from streetclip.shards.index import Places, count_countries, count_towns
from streetclip.shards.layout import ShardSet, shard_set_digest, write_shard_set, write_whole
from streetclip.shards.lists import (
    DISAGREEMENTS_FILE,
    REJECTED_FILE,
    benchmark_option,
    write_disagreements,
    write_rejections,
)
from streetclip.shards.optout import make_key
from streetclip.shards.pack import Packed, PackJob, PackSample, pack_shard
from streetclip.shards.picture import MAX_PIXELS
from streetclip.shards.pool import Pool
from streetclip.shards.progress import OnProgress, progress_bars
from streetclip.shards.resume import (
    BUILD_FILE,
    STATE_FOLDER,
    build_fingerprint,
    check_output,
    entered_output,
)
from streetclip.shards.sample import encode_metadata
from streetclip.shards.space import check_space


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a source becomes a shard set.

    Args:
        max_side_px: Longer side of the photographs, at most.
        quality: JPEG quality, 1 to 100.
        samples_per_shard: Photographs in one tar; fewer where some cannot be decoded.
        val_share: Share of the places that goes to validation; 0 makes no split, unless countries
            are held out.
        seed: Of the shuffle and of the split.
        holdout_countries: ISO codes or names of countries that are never trained on.
        opt_out: List of keys or digests that must not be used.
        columns: Declared columns of the table.
        max_pixels: Width times height of an original, at most.
        keep_unplaced: Keep photographs whose country nobody knows, or the country alone, and those
            with the same bytes as another: for benchmarks, which count every photograph.
    """

    max_side_px: int = 512
    quality: int = 90
    samples_per_shard: int = 2000
    val_share: float = 0.1
    seed: int = 0
    holdout_countries: Sequence[str] = ()
    opt_out: Path | None = None
    columns: Sequence[str] = ()
    max_pixels: int = MAX_PIXELS
    keep_unplaced: bool = False


@dataclass(frozen=True)
class BuildReport:
    """What became of every photograph of a source.

    Args:
        out: The folder.
        photographs: How many the source names.
        splits: Photographs written per split.
        paths: Folder of each split.
        rejected: Photographs per reason that were not written; listed in `rejected.csv`.
        disagreements: Labels per field that the coordinates contradict; listed in
            `disagreements.csv`.
        climate: Whether the samples know their climate.
    """

    out: Path
    photographs: int
    splits: Mapping[str, int]
    paths: Mapping[str, Path]
    rejected: Mapping[str, int] = field(default_factory=dict)
    disagreements: Mapping[str, int] = field(default_factory=dict)
    climate: bool = False

    @property
    def written(self) -> int:
        """Photographs in all splits together."""
        return sum(self.splits.values())


def build_shards(
    source: Path,
    out: Path,
    *,
    options: BuildOptions | None = None,
    preset: str | None = None,
    processes: int = 1,
    progress: bool = False,
) -> BuildReport:
    """Writes the photographs of a source into shards; a killed build continues where it was.

    The bytes depend on source, options and library versions alone, not on the number of processes
    or on how often the build was killed.

    Args:
        source: Folder with EXIF GPS, CSV or Parquet file; see `read_manifest`.
        out: A new or empty folder, or that of a killed build of the same source and options.
        options: None takes the defaults.
        preset: Name of a known benchmark set; None finds the kind of a table by its columns.
        processes: How many photographs are worked on at a time.
        progress: Show a progress bar on the terminal.

    Returns:
        What was written, what was not, and why.

    Raises:
        ManifestError: The source cannot be used.
        ShardError: The folder holds something else, or the disk is too small.
    """
    options = options or BuildOptions()
    check_output(out)
    with progress_bars(show=progress) as on_progress, Pool(processes) as pool:
        choice = choose_photographs(
            source,
            preset=preset,
            columns=options.columns,
            opt_out=options.opt_out,
            keep_unplaced=options.keep_unplaced,
            max_pixels=options.max_pixels,
            pool=pool,
            on_progress=on_progress,
        )
        plan, has_climate = _plan(choice, options)
        quality, max_side_px = options.quality, options.max_side_px
        check_space(out, choice.scanned, max_side_px=max_side_px, quality=quality)
        plain = _plain_options(options)
        with entered_output(out, build_fingerprint(plan, plain)):
            packed = _pack(plan, out, options, pool, on_progress)
            undecoded = [
                row for done in packed.values() for each in done for row in each.rejections
            ]
            rejections = choice.rejections + undecoded
            if options.keep_unplaced:
                said = (preset, choice.photographs, rejections, choice.surplus)
                plain |= benchmark_option(*said)
            sets = _write_sets(packed, out, plain)
            write_rejections(out / REJECTED_FILE, rejections)
            write_disagreements(out / DISAGREEMENTS_FILE, choice.disagreements)
            report = _report(out, source, choice, sets, rejections=rejections, climate=has_climate)
            shutil.rmtree(out / STATE_FOLDER)
    return report


def _plan(choice: Choice, options: BuildOptions) -> tuple[dict[str, list[PackSample]], bool]:
    """The samples of each split in the order in which they are written."""
    codes = climates(choice.rows)
    split = _split(choice, options)
    plan: dict[str, list[PackSample]] = {}
    number = 0
    for name, positions in split.items():
        random = np.random.Generator(np.random.Philox(options.seed))
        plan[name] = []
        for position in random.permutation(np.array(positions, dtype=np.int64)):
            row, scanned = choice.rows[position], choice.scanned[position]
            metadata = encode_metadata(row, climate=codes[position], drives_left=drives_left(row))
            key = make_key(number, scanned.sha256)
            known = (scanned.sha256, metadata, scanned.stamp)
            plan[name].append(PackSample(key, row.image, row.name, *known))
            number += 1
    return plan, any(code is not None for code in codes)


def _split(choice: Choice, options: BuildOptions) -> dict[str, list[int]]:
    if options.val_share == 0 and not options.holdout_countries:
        return {"all": list(range(len(choice.rows)))}
    split = split_by_place(
        choice.rows,
        val_share=options.val_share,
        seed=options.seed,
        holdout_countries=options.holdout_countries,
    )
    return {"train": split.train, "val": split.val}


def _pack(
    plan: Mapping[str, Sequence[PackSample]],
    out: Path,
    options: BuildOptions,
    pool: Pool,
    on_progress: OnProgress,
) -> dict[str, list[Packed]]:
    """Writes all shards; the outcome of each split in the order of its shards."""
    jobs = [job for name in plan for job in _jobs(plan[name], out / name, options)]
    packed: dict[str, list[Packed]] = {name: [] for name in plan}
    total, done = sum(len(job.samples) for job in jobs), 0
    on_progress("write", 0, total)
    for job, outcome in zip(jobs, pool.outcomes(pack_shard, jobs), strict=True):
        packed[job.tar.parent.name].append(outcome)
        done += len(job.samples)
        on_progress("write", done, total)
    return packed


def _jobs(samples: Sequence[PackSample], folder: Path, options: BuildOptions) -> Iterator[PackJob]:
    folder.mkdir(exist_ok=True)
    size = options.samples_per_shard
    for number, start in enumerate(range(0, len(samples), size)):
        yield PackJob(
            tar=folder / f"{number:06d}.tar",
            record=folder.parent / STATE_FOLDER / f"{folder.name}-{number:06d}.json",
            samples=samples[start : start + size],
            max_side_px=options.max_side_px,
            quality=options.quality,
            max_pixels=options.max_pixels,
        )


def _write_sets(
    packed: Mapping[str, Sequence[Packed]], out: Path, options: Mapping[str, Any]
) -> dict[str, ShardSet]:
    sets = {}
    for name, outcomes in packed.items():
        entries = tuple(outcome.entry for outcome in outcomes if outcome.entry is not None)
        if not entries:
            raise ShardError(
                f"not one photograph of the {name} split can be decoded",
                got="; ".join(
                    f"{row.name}: {row.reason}" for done in outcomes for row in done.rejections[:5]
                ),
            )
        places: Places = Counter()
        for outcome in outcomes:
            places.update(outcome.places)
        countries, towns = count_countries(places), count_towns(places)
        digest = shard_set_digest(entries, options)
        sets[name] = ShardSet(out / name, entries, digest, countries, towns, name, options)
        write_shard_set(sets[name])
    return sets


def _plain_options(options: BuildOptions) -> dict[str, Any]:
    """Options as JSON; the list of those who opted out is named by its digest, not by its place."""
    held_out = sorted(str(country_code(name)) for name in options.holdout_countries)
    plain = asdict(options) | {"holdout_countries": held_out, "columns": list(options.columns)}
    plain[CODEC_OPTION] = dict(CODEC)
    if options.opt_out is not None:
        plain["opt_out"] = hashlib.sha256(options.opt_out.read_bytes()).hexdigest()
    return plain


def _report(
    out: Path, source: Path, choice: Choice, sets: Mapping[str, ShardSet], *,
    rejections: Sequence[Rejection], climate: bool
) -> BuildReport:  # fmt: skip
    """Accounts for every photograph, and writes the account down last: now the build is done."""
    report = BuildReport(
        out=out,
        photographs=choice.photographs,
        splits={name: len(shard_set) for name, shard_set in sets.items()},
        paths={name: shard_set.root for name, shard_set in sets.items()},
        rejected=dict(Counter(row.reason for row in rejections).most_common()),
        disagreements=dict(Counter(item.field for item in choice.disagreements)),
        climate=climate,
    )
    assert report.written + len(rejections) == report.photographs, "a photograph is unaccounted for"
    content = {
        "source": source.name,
        "photographs": report.photographs,
        "splits": {
            name: {"photographs": len(made), "shards": len(made.shards), "digest": made.digest}
            for name, made in sets.items()
        },
        "rejected": report.rejected,
        "disagreements": report.disagreements,
        "climate": climate,
        "options": dict(next(iter(sets.values())).options),
        "versions": codec_versions(),
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    write_whole(out / BUILD_FILE, text.encode())
    return report
