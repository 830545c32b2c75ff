"""`streetclip export`: a model as a folder of transformers or open_clip, with a model card."""

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "model",
        metavar="CKPT",
        help="a checkpoint or its URL, hf:FOLDER, or open_clip:NAME:TAG_OR_PATH",
    )
    parser.add_argument(
        "--to",
        required=True,
        choices=("hf", "open_clip"),
        help="hf: for from_pretrained of transformers; open_clip: for its local-dir:",
    )
    parser.add_argument("--out", type=Path, required=True, help="a new or empty folder")
    parser.add_argument(
        "--result",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a result folder of these weights, for the model card; may be given several times",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Export, and say where the folder lies."""
    from streetclip.build.export import ExportOptions, export
    from streetclip.cli.console import show_log

    show_log()
    out = export(
        ExportOptions(arguments.model, arguments.to, arguments.out, tuple(arguments.result))
    )
    print(f"exported: {out} (read its README.md before you publish it)")
    return 0
