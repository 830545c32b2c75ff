"""`streetclip pretrain`: train a model as an experiment file says."""

import argparse
from pathlib import Path

from streetclip.config.describe import describe
from streetclip.config.load import load_experiment
from streetclip.training.signals import StopSignals


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
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load the options and train."""
    options = load_experiment(arguments.experiment, arguments.overrides)
    if arguments.print_config:
        print(describe(options), end="")
        return 0
    with StopSignals() as signals:
        from streetclip.build.pretrain import pretrain
        from streetclip.cli.console import show_log

        show_log()
        pretrain(options, resume=arguments.resume, signals=signals)
    return 0
