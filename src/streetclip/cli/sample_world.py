"""`streetclip sample-world`: render street scenes to try everything without data."""

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder")
    parser.add_argument("--photos", type=int, default=4000, help="how many (default 4000)")
    parser.add_argument("--seed", type=int, default=1, help="decides every scene (default 1)")
    parser.add_argument("--size", type=int, default=128, help="side in pixels (default 128)")
    parser.add_argument("--countries", type=int, default=48, help="how many (default 48)")
    parser.add_argument(
        "--towns",
        choices=("train", "val", "all"),
        default="all",
        help="which half of the towns; no town is in both train and val (default all)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Render the photographs and the table beside them."""
    from streetclip.sampleworld.generate import generate

    generate(
        arguments.out,
        arguments.photos,
        seed=arguments.seed,
        towns=arguments.towns,
        countries=arguments.countries,
        size_px=arguments.size,
        progress=True,
    )
    print(f"{arguments.photos} rendered photographs and photos.csv in {arguments.out}")
    return 0
