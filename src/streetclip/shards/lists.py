"""The lists beside a shard set that say what is not in it, and what is doubtful."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from streetclip.records import Rejection
from streetclip.shards.layout import write_whole

REJECTED_FILE = "rejected.csv"
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
