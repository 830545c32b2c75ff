"""`streetclip benchmark`: measure a model by hierarchical zero-shot geolocation."""

import argparse
import json
from pathlib import Path

from streetclip.config.load import load_benchmark

_NAMED = ("model", "data", "protocol", "out", "run", "preset")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="FILE.yaml|KEY=VALUE",
        help="a file of experiments/benchmark/, and options that replace those of the file",
    )
    parser.add_argument("--model", help="a checkpoint or its URL, or NAME:TAG_OR_PATH of open_clip")
    parser.add_argument(
        "--data", help="NAME=PATH of a benchmark set (docs/benchmarks.md), or a path or URL"
    )
    parser.add_argument("--protocol", help="a name or a YAML file")
    parser.add_argument("--out", help="a new or empty folder for the result")
    parser.add_argument("--run", dest="run_folder", help="a run; default the newest")
    parser.add_argument("--preset", help="columns of a known benchmark table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the table, and say where the result lies."""
    options = load_benchmark(*_file_and_overrides(arguments))
    from rich.console import Console

    from streetclip.build.benchmark import benchmark
    from streetclip.cli.console import show_log
    from streetclip.report.tables import terminal_table

    show_log()
    result, out = benchmark(options)
    Console().print(terminal_table(result))
    print(f"result: {out}")
    return 0


def _file_and_overrides(arguments: argparse.Namespace) -> tuple[Path | None, list[str]]:
    words = list(arguments.overrides)
    file = next((word for word in words if "=" not in word), None)
    if file is not None:
        words.remove(file)
    given = {name: getattr(arguments, name) for name in _NAMED if name != "run"}
    given["run"] = arguments.run_folder
    # Quoted, because YAML would read a folder called 001 as a number.
    words += [f"{name}={json.dumps(value)}" for name, value in given.items() if value is not None]
    return Path(file) if file is not None else None, words
