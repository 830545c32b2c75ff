"""`streetclip interpolate`: the models between a start model and a tuned one, and their curve."""

import argparse
import json
from pathlib import Path

from streetclip.config.load import load_benchmark

_NAMED = ("out", "preset", "devices")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    model = "a checkpoint or its URL, hf:FOLDER, or open_clip:NAME:TAG_OR_PATH"
    parser.add_argument("start", metavar="START", help=f"the model before training: {model}")
    parser.add_argument("tuned", metavar="TUNED", help="what training made of it, named likewise")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="options of a benchmark, such as bootstrap=1000 batch_size=64",
    )
    parser.add_argument(
        "--alphas",
        nargs="+",
        type=float,
        default=None,
        metavar="ALPHA",
        help="places on the line; default 0 0.25 0.5 0.75 1. Both ends are always measured",
    )
    for name, text in (
        ("data", "NAME=PATH of a benchmark set (docs/benchmarks.md), or a path or URL"),
        ("protocol", "a name or a YAML file, with or without +DECODING and @TABLE behind it"),
    ):
        parser.add_argument(f"--{name}", action="append", help=f"{text}; may be repeated")
    parser.add_argument(
        "--probe",
        type=Path,
        metavar="SOURCE",
        help="a folder of subfolders named by what they show, or a CSV image,label",
    )
    parser.add_argument(
        "--template",
        action="append",
        metavar="PROMPT",
        help="a prompt for the labels, such as 'a photo of a {label}.'; may be repeated",
    )
    parser.add_argument(
        "--out", help="a new or empty folder for the curve, or that of the same call, to go on"
    )
    parser.add_argument(
        "--save", type=float, metavar="ALPHA", help="keep the model of this alpha as a checkpoint"
    )
    parser.add_argument(
        "--save-best-by",
        metavar="NAME",
        help="keep the model that is best by SET/PROTOCOL/VALUE or probe/accuracy; set and "
        "protocol may be left out where there is one",
    )
    parser.add_argument(
        "--at-most-forgotten",
        type=float,
        metavar="SHARE",
        help="... of those that lose no more than this share of the probe set, such as 0.01",
    )
    parser.add_argument("--preset", help="columns of a known benchmark table")
    parser.add_argument(
        "--devices", help="devices (processes, on CPU) that embed together; or auto"
    )
    parser.add_argument("--cache", metavar="FOLDER", help="where features are kept")
    parser.add_argument("--no-cache", action="store_true", help="keep no features on disk")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure the line, print the curve, and say where everything lies."""
    options = load_benchmark(None, _words(arguments))
    from streetclip.build.interpolate import ALPHAS, InterpolateOptions, interpolate
    from streetclip.cli.console import show_log, table_console
    from streetclip.evaluation.probe_set import TEMPLATES
    from streetclip.report.curve import curve_table
    from streetclip.training.launch import find_ranks

    show_log()
    done = interpolate(
        InterpolateOptions(
            arguments.start,
            arguments.tuned,
            options,
            alphas=ALPHAS if arguments.alphas is None else tuple(arguments.alphas),
            probe=arguments.probe,
            templates=tuple(arguments.template or TEMPLATES),
            save=arguments.save,
            save_best_by=arguments.save_best_by,
            at_most_forgotten=arguments.at_most_forgotten,
        )
    )
    if find_ranks().rank > 0:
        return 0
    table_console().print(curve_table(done.points))
    print(f"curve: {done.out}")
    if done.saved is not None:
        print(f"model: {done.saved}")
    return 0


def _words(arguments: argparse.Namespace) -> list[str]:
    given = {name: getattr(arguments, name) for name in (*_NAMED, "data")}
    given["protocols"] = arguments.protocol
    given["features.cache_dir"] = arguments.cache
    given["features.cache"] = False if arguments.no_cache else None
    # Quoted, because YAML would read a folder called 001 as a number.
    named = [f"{name}={json.dumps(value)}" for name, value in given.items() if value is not None]
    return [*arguments.overrides, *named]
