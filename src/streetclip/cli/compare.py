"""`streetclip compare`: tell whether results differ by more than chance."""

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "results",
        nargs="+",
        metavar="[NAME=]RESULT",
        help="result folders, or folders with several of them inside; NAME is what one is called",
    )
    parser.add_argument(
        "--baseline",
        metavar="NAME",
        help="compare the others with this one: a NAME, model or folder (default: all pairs)",
    )
    parser.add_argument("--out", type=Path, help="a new or empty folder for the comparison")
    parser.add_argument(
        "--latex",
        action="store_true",
        help="write comparison.tex to --out as well; without --out, print LaTeX and nothing else",
    )
    parser.add_argument(
        "--common",
        action="store_true",
        help="where sets differ, compare on the photographs that all have",
    )
    parser.add_argument(
        "--resamples", type=int, default=10_000, help="of the bootstrap (default 10000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the tables, and write them if asked to."""
    out: Path | None = arguments.out
    from streetclip.shards.output import check_new_folder

    if out is not None:
        check_new_folder(out)

    from streetclip.build.compare import compare_folders
    from streetclip.cli.console import show_log, table_console
    from streetclip.report.comparison import terminal_tables
    from streetclip.report.comparison_files import write_comparisons
    from streetclip.report.comparison_latex import latex

    show_log()
    found = compare_folders(
        arguments.results,
        baseline=arguments.baseline,
        common=arguments.common,
        resamples=arguments.resamples,
        seed=arguments.seed,
    )
    if arguments.latex and out is None:
        print(latex(found.comparisons), end="")
        return 0
    console = table_console()
    for comparison in found.comparisons:
        for table in terminal_tables(comparison):
            console.print(table)
    for sentence in found.left_out:
        print(sentence)
    if out is not None:
        write_comparisons(
            found.comparisons, out, left_out=found.left_out, with_latex=arguments.latex
        )
        print(f"comparison: {out}")
    return 0
