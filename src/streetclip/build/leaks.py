"""A check of training shards against a benchmark set, from options to the report of a result."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streetclip.build.sources import open_set, whole
from streetclip.config.data import ShardsConfig
from streetclip.errors import InputError
from streetclip.evaluation.leaks import (
    MAX_BITS,
    MAX_METERS,
    PAIR_COLUMNS,
    Leaks,
    find_leaks,
    leak_summary,
    pair_rows,
)
from streetclip.evaluation.registry import parse_data
from streetclip.evaluation.result import Result, read_result, write_result
from streetclip.report.write import write_report
from streetclip.shards.fingerprint import BITS, fingerprints
from streetclip.shards.layout import open_shard_set
from streetclip.shards.lists import write_csv
from streetclip.shards.output import check_file, check_folder
from streetclip.shards.progress import progress_bars


@dataclass(frozen=True, slots=True)
class LeakOptions:
    """What is compared, how strictly, and where the answer goes.

    Args:
        train: A shard set to train on, or its URL.
        data: A path or `NAME=PATH` of the benchmark set.
        result: A result folder on that set, which is told what was found.
        out: A CSV file for the pairs.
        max_bits: How many of 64 bits may differ, in each of the two hashes.
        max_meters: How near is the same place.
        shards_dir: Where a shard set that is built for the check is kept and found again.
        processes: How many hash photographs at a time; None takes one for each processor.
    """

    train: str
    data: str
    result: Path | None = None
    out: Path | None = None
    max_bits: int = MAX_BITS
    max_meters: float = MAX_METERS
    shards_dir: Path = Path("shards")
    processes: int | None = None


def check_leaks(
    options: LeakOptions, *, progress: bool = True
) -> tuple[Leaks, dict[str, Any], Result | None]:
    """Compare training with a benchmark set, and write what was found where it shall go.

    Args:
        options: What the user gave.
        progress: Show progress bars.

    Returns:
        The pairs, their summary, and the result with the summary in it, if there is one.

    Raises:
        InputError: Something is missing, or the result is one of another set.
    """
    _check(options)
    result = None if options.result is None else read_result(options.result)
    source = parse_data(options.data)
    train = open_shard_set(options.train, split="train")
    folder = whole(
        source.path, ShardsConfig(preset=source.preset), options.shards_dir, progress=progress
    )
    benchmark = open_set(folder)
    _check_result(result, benchmark.digest, options)
    processes = options.processes or os.cpu_count() or 1
    with progress_bars(show=progress) as on_progress:
        ours = fingerprints(benchmark, processes=processes)
        theirs = fingerprints(train, processes=processes, on_progress=on_progress)
    leaks = find_leaks(theirs, ours, max_bits=options.max_bits, max_meters=options.max_meters)
    summary = leak_summary(leaks, result)
    if options.out is not None:
        write_csv(options.out, PAIR_COLUMNS, pair_rows(leaks))
    if result is None or options.result is None:
        return leaks, summary, None
    told = replace(result, leaks=summary)
    write_result(told, options.result)
    write_report(told, options.result)
    return leaks, summary, told


def _check(options: LeakOptions) -> None:
    if not 0 <= options.max_bits <= BITS:
        raise InputError("--max-bits", got=options.max_bits, allowed=f"0 to {BITS}")
    if not 0 <= options.max_meters < float("inf"):
        raise InputError("--max-meters", got=options.max_meters, allowed="0 or more")
    if options.out is not None:
        header = ",".join(PAIR_COLUMNS).encode()
        check_file(options.out, "--out", is_ours=lambda begin: begin.startswith(header))
    if options.result is not None:
        check_folder(options.result, "--result")


def _check_result(result: Result | None, digest: str, options: LeakOptions) -> None:
    """Before the long work: a result of another set would be refused only after it."""
    if result is not None and result.shard_set_digest != digest:
        raise InputError(
            f"{options.result} is no result on {options.data}",
            got=f"shard set {result.shard_set_digest[:16]}",
            allowed=f"shard set {digest[:16]}",
            remedy="give --data and shards_dir as they were given to the benchmark",
        )
