"""`streetclip benchmark`: measure models by hierarchical zero-shot geolocation."""

import argparse
import json
from pathlib import Path

from streetclip.config.load import load_benchmark

_NAMED = ("out", "run", "preset", "devices")
_LISTED = {"model": "models", "data": "data", "protocol": "protocols"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="FILE.yaml|KEY=VALUE",
        help="a file of experiments/benchmark/, and options that replace those of the file",
    )
    listed = {
        "model": "a checkpoint or its URL, hf:FOLDER, or open_clip:NAME:TAG_OR_PATH",
        "data": "NAME=PATH of a benchmark set (docs/benchmarks.md), or a path or URL",
        "protocol": "a name or a YAML file, with or without +DECODING and @TABLE behind it",
    }
    for name, text in listed.items():
        parser.add_argument(f"--{name}", action="append", help=f"{text}; may be repeated")
    parser.add_argument(
        "--out", help="a new or empty folder for the results, or that of the same call, to go on"
    )
    parser.add_argument("--run", dest="run_folder", help="a run; default the newest")
    parser.add_argument("--preset", help="columns of a known benchmark table")
    parser.add_argument(
        "--devices", help="devices (processes, on CPU) that embed together; or auto"
    )
    parser.add_argument(
        "--cache",
        metavar="FOLDER",
        help="where features are kept; default streetclip-features in the user's cache",
    )
    parser.add_argument("--no-cache", action="store_true", help="keep no features on disk")
    parser.add_argument(
        "--thumbnails",
        action="store_true",
        help="show the worst and some random photographs in report.html; they may be private",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the tables, and say where the results lie."""
    options = load_benchmark(*_file_and_overrides(arguments))
    from streetclip.build.benchmark import benchmark
    from streetclip.cli.console import show_log, table_console
    from streetclip.report.side_by_side import terminal_tables
    from streetclip.report.tables import terminal_table
    from streetclip.training.launch import find_ranks

    show_log()
    done = benchmark(options)
    if find_ranks().rank > 0:
        return 0
    is_one = len(done.results) == 1
    console = table_console()
    for table in [terminal_table(done.result)] if is_one else terminal_tables(done.tables):
        console.print(table)
    print(f"result: {done.out}")
    return 0


def _file_and_overrides(arguments: argparse.Namespace) -> tuple[Path | None, list[str]]:
    words = list(arguments.overrides)
    file = next((word for word in words if "=" not in word), None)
    if file is not None:
        words.remove(file)
    given = {name: getattr(arguments, name) for name in _NAMED if name != "run"}
    given["run"] = arguments.run_folder
    given |= {key: getattr(arguments, name) for name, key in _LISTED.items()}
    given["features.cache_dir"] = arguments.cache
    given["features.cache"] = False if arguments.no_cache else None
    given["thumbnails"] = arguments.thumbnails or None
    # Quoted, because YAML would read a folder called 001 as a number.
    words += [f"{name}={json.dumps(value)}" for name, value in given.items() if value is not None]
    return Path(file) if file is not None else None, words
