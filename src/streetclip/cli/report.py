"""`streetclip report`: write the page of a result again, with pictures, or as LaTeX."""

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("result", type=Path, metavar="RESULT", help="a result folder")
    parser.add_argument(
        "--pictures",
        metavar="[NAME=]PATH",
        help="show the worst and some random photographs of this set, which was given to "
        "`streetclip benchmark` as --data; they may be private, and the page can be passed on",
    )
    parser.add_argument("--latex", type=Path, metavar="FILE.tex", help="write tables for a paper")
    parser.add_argument(
        "--shards-dir", type=Path, help="where the benchmark keeps built sets (default shards)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write, and say where."""
    from streetclip.build.report import ReportOptions, report_again
    from streetclip.cli.console import show_log

    show_log()
    named = ("pictures", "latex", "shards_dir")
    given = {name: getattr(arguments, name) for name in named}
    chosen = {name: value for name, value in given.items() if value is not None}
    for path in report_again(ReportOptions(arguments.result, **chosen)):
        print(path)
    return 0
