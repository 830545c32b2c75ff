"""The `streetclip` command: `streetclip COMMAND --help` explains each command.

Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from streetclip import __version__
from streetclip.errors import StreetclipError

TRACEBACK = "STREETCLIP_TRACEBACK"
"""Environment variable that lets errors of the system end the command with a traceback."""
COMMANDS = {
    "pretrain": "train a model on captions written from coordinates",
    "benchmark": "measure a model by hierarchical zero-shot geolocation",
    "interpolate": "measure the models between a start model and a tuned one",
    "compare": "tell whether results differ by more than chance",
    "leaks": "find photographs of a benchmark set that training has seen",
    "report": "write the page of a result again, with pictures, or as LaTeX",
    "predict": "say where photographs were taken",
    "export": "write a model for transformers or open_clip, with a model card",
    "shards": "build, index, verify or describe shard sets",
    "sample-world": "render street scenes to try everything without data",
    "locate": "coordinates to country, region and town",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; None takes those of the process.

    Returns:
        0 done, 2 wrong input, 85 preempted and saved, 1 anything else that the package raised on
        purpose or the system refused, 130 interrupted.
    """
    parser = _parser(argv)
    arguments, rest = parser.parse_known_args(argv)
    # argparse does not take words after an option for the list of words before it.
    wrong = [word for word in rest if word.startswith("-") or not hasattr(arguments, "overrides")]
    if wrong:
        parser.error(f"unrecognized arguments: {' '.join(wrong)}")
    if rest:
        arguments.overrides = [*arguments.overrides, *rest]
    try:
        code: int = arguments.run(arguments)
    except StreetclipError as error:
        print(f"streetclip: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        # What could be known before the work is an InputError; this is a disk that filled up, a
        # folder that vanished. Errors without a number are no errors of the system.
        if error.errno is None or os.environ.get(TRACEBACK):
            raise
        hint = f"{TRACEBACK}=1 shows where it came from"
        print(f"streetclip: the system refused: {error}; {hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("streetclip: interrupted", file=sys.stderr)
        return 130
    return code


def _parser(argv: Sequence[str] | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streetclip",
        description="Train CLIP to know where a street photograph was taken.",
    )
    parser.add_argument("--version", action="version", version=f"streetclip {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    words = sys.argv[1:] if argv is None else argv
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        if name in words:  # only the command that is asked for is imported
            import_module(f"streetclip.cli.{name.replace('-', '_')}").configure(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
