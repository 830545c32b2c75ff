"""`streetclip pretrain`: train a model as an experiment file says."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streetclip.config.describe import describe
from streetclip.config.load import load_experiment
from streetclip.config.schema import Experiment
from streetclip.errors import InputError
from streetclip.training.signals import StopSignals

_ASSUMED: dict[str, tuple[type, str]] = {
    "ranks": (int, "devices over all machines; default trainer.devices x trainer.num_nodes"),
    "photos": (int, "photographs to train on, where data.source is not here"),
    "tflops": (float, "peak of a device, 10^12 operations a second; default 790 on a GPU (bf16)"),
    "utilization": (float, "share of the peak that is reached; default 0.5"),
    "memory-gib": (float, "memory of a device; default that of the GPU here, if there is one"),
    "photo-kb": (float, "kilobytes of a photograph; default those of data.source, or 153"),
    "photo-ms": (float, "milliseconds of a core for a photograph; default as in bench/README.md"),
}
"""What `--plan` may be told of machines and photographs that are not here."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("experiment", type=Path, help="a YAML file, see experiments/pretrain/")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="options that replace those of the file"
    )
    parser.add_argument(
        "--resume",
        metavar="auto|RUN|CHECKPOINT|URL",
        help="continue the newest unfinished run of this experiment, a run folder, or a "
        "checkpoint, which may be at a URL",
    )
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print all options with their sentences, and end",
    )
    planning = parser.add_argument_group("dry run")
    planning.add_argument(
        "--plan",
        action="store_true",
        help="print batch, steps, memory, time and input of the run, refuse what cannot work, and "
        "end; starts, fetches and writes nothing",
    )
    planning.add_argument("--json", action="store_true", help="print the dry run as JSON")
    for name, (kind, text) in _ASSUMED.items():
        planning.add_argument(f"--{name}", type=kind, metavar="N", help=text)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load the options and train."""
    options = load_experiment(arguments.experiment, arguments.overrides)
    if arguments.print_config:
        print(describe(options), end="")
        return 0
    assumed = {
        name.replace("-", "_"): getattr(arguments, name.replace("-", "_")) for name in _ASSUMED
    }
    if arguments.plan:
        return _plan(options, assumed, as_json=arguments.json)
    unused = [f"--{name}" for name in _ASSUMED if assumed[name.replace("-", "_")] is not None]
    if unused or arguments.json:
        raise InputError(f"{', '.join(unused) or '--json'} belongs to --plan", remedy="add --plan")
    with StopSignals() as signals:
        from streetclip.build.pretrain import pretrain
        from streetclip.cli.console import show_log

        show_log()
        pretrain(options, resume=arguments.resume, signals=signals)
    return 0


def _plan(options: Experiment, assumed: Mapping[str, Any], *, as_json: bool) -> int:
    from streetclip.build.assumed import Assumed
    from streetclip.build.dry_run import dry_run
    from streetclip.cli.dry_run import show

    show(dry_run(options, Assumed(**assumed)), as_json=as_json)
    return 0
