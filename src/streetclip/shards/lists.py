"""The lists beside a shard set that say what is not in it, and what is doubtful."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from pathlib import Path, PurePath
from typing import Any

from streetclip.errors import hide_secrets
from streetclip.manifest.labels import Disagreement
from streetclip.records import Rejection
from streetclip.shards.layout import write_whole

REJECTED_FILE = "rejected.csv"
DISAGREEMENTS_FILE = "disagreements.csv"
BENCHMARK_OPTION = "benchmark"
"""Where the options of a shard set say of which benchmark set it is, and what it lacks of it."""


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """Writes `rejected.csv`: name, reason, detail.

    Args:
        path: The file.
        rejections: What cannot be used.
    """
    rows = [(row.name, row.reason, row.detail) for row in rejections]
    write_csv(path, ("name", "reason", "detail"), rows)


def write_disagreements(path: Path, disagreements: Iterable[Disagreement]) -> None:
    """Writes `disagreements.csv`, a column a field.

    Args:
        path: The file.
        disagreements: Labels that the coordinates contradict.
    """
    header = [each.name for each in fields(Disagreement)]
    write_csv(path, header, [astuple(item) for item in disagreements])


def benchmark_option(
    preset: str | None,
    photographs: int,
    rejections: Iterable[Rejection],
    surplus: Iterable[str],
) -> dict[str, Any]:
    """What the options of a shard set say about the benchmark set that it is made of.

    Args:
        preset: Name of the kind of source, or None.
        photographs: How many the source names.
        rejections: Those that are not in the shard set.
        surplus: Names of photographs on the disk that the source does not name.

    Returns:
        Plain values, to stand under `BENCHMARK_OPTION`.

    Example:
        >>> lost = [Rejection("a.jpg", "missing_file"), Rejection("b.jpg", "unreadable_image")]
        >>> said = benchmark_option("im2gps", 237, lost, [])["benchmark"]
        >>> said["photographs"], said["missing"]
        (237, ['a.jpg', 'b.jpg (unreadable_image)'])
    """
    rows = list(rejections)
    # A photograph that is listed twice is there, and counts once.
    twice = sum(row.reason == "duplicate_row" for row in rows)
    missing = [
        _passed_on(row.name)
        if row.reason == "missing_file"
        else f"{_passed_on(row.name)} ({row.reason})"
        for row in rows
        if row.reason != "duplicate_row"
    ]
    said = {"preset": preset, "photographs": photographs - twice, "missing": missing}
    return {BENCHMARK_OPTION: said | {"surplus": list(surplus)}}


def _passed_on(name: str) -> str:
    """A photograph's name as results may show it, which are passed on: no folder of a home."""
    return PurePath(name).name if PurePath(name).is_absolute() else hide_secrets(name)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table in UTF-8, whole or not at all.

    Args:
        path: The file.
        header: Its columns.
        rows: Its cells; text that is no valid Unicode is written with escapes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode("utf-8", "backslashreplace"))
