"""`streetclip leaks`: which photographs of a benchmark set are in the training shards too."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streetclip.evaluation.result import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--train", required=True, metavar="SHARDS", help="a shard set or its URL")
    parser.add_argument(
        "--data",
        required=True,
        metavar="[NAME=]PATH",
        help="the benchmark set, as for `streetclip benchmark`",
    )
    parser.add_argument(
        "--result",
        type=Path,
        metavar="FOLDER",
        help="a result on that set: it is told what was found, and reported anew",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write all pairs to a table")
    parser.add_argument(
        "--max-bits",
        type=int,
        help="bits of 64 that may differ in each of the two hashes (default 10)",
    )
    parser.add_argument("--max-meters", type=float, help="how near is the same place (default 25)")
    parser.add_argument(
        "--shards-dir", type=Path, help="where built sets are kept (default shards)"
    )
    parser.add_argument("--processes", type=int, help="default: all cores")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print what was found, and say where it was written."""
    from streetclip.build.leaks import LeakOptions, check_leaks
    from streetclip.cli.console import show_log
    from streetclip.report.leaks import leak_sentences

    show_log()
    named = ("result", "out", "max_bits", "max_meters", "shards_dir", "processes")
    given = {name: getattr(arguments, name) for name in named}
    chosen = {name: value for name, value in given.items() if value is not None}
    options = LeakOptions(arguments.train, arguments.data, **chosen)
    leaks, summary, told = check_leaks(options)
    for line in leak_sentences(summary):
        print(line)
    if told is not None:
        _print_values(told)
        print(f"result: {options.result}")
    if options.out is not None:
        print(f"{len(leaks.pictures) + len(leaks.places)} pairs in {options.out}")
    return 0


def _print_values(result: "Result") -> None:
    from rich.table import Table

    from streetclip.cli.console import table_console
    from streetclip.report.leaks import leak_rows
    from streetclip.report.tables import LABELS, estimate_cells

    table = Table("metric", "all photographs", "95 %", "without the leaked", "95 %")
    for name, whole, rest in leak_rows(result):
        cells = (*estimate_cells(name, whole), *estimate_cells(name, rest))
        table.add_row(LABELS.get(name, name), *cells)
    table_console().print(table)
