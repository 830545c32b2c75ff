"""`streetclip shards`: build, index, verify or describe shard sets."""

import argparse
import os
from dataclasses import fields
from pathlib import Path

from streetclip.config.data import ShardsConfig
from streetclip.config.load import check_shard_options


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    build = verbs.add_parser("build", help="photographs become tars with an index")
    build.add_argument("source", type=Path, metavar="SOURCE", help="a folder, CSV or Parquet file")
    build.add_argument("out", type=Path, metavar="OUT", help="a new folder, or a build to continue")
    _options(build)
    build.set_defaults(run=_build)
    index = verbs.add_parser("index", help="make the index of tars that have none")
    verify = verbs.add_parser("verify", help="look at everything once and list what is bad")
    stats = verbs.add_parser("stats", help="photographs per country, sizes, captions")
    for verb, action in ((index, _index), (verify, _verify), (stats, _stats)):
        local = verb is index
        verb.add_argument(
            "folder", type=Path if local else _place, metavar="DIR" if local else "DIR|URL"
        )
        verb.set_defaults(run=action)
    for verb in (index, verify):
        verb.add_argument("--processes", type=int, help="default: all cores")
    verify.add_argument("--clean", type=Path, metavar="OUT", help="copy what is good to a folder")
    verify.add_argument(
        "--captions",
        metavar="TEMPLATE",
        help="captions that the samples must suffice for: a template, or none for samples that are "
        "only measured (default: street; none for a set that was built with --keep-unplaced)",
    )
    stats.add_argument("--captions", default="street", help="template of the example captions")


def _place(text: str) -> Path | str:
    """A URL stays as it is; a `Path` would lose a slash."""
    return text if "://" in text else Path(text)


def _options(parser: argparse.ArgumentParser) -> None:
    default = ShardsConfig()
    parser.add_argument("--max-side-px", type=int, default=default.max_side_px)
    parser.add_argument("--quality", type=int, default=default.quality)
    parser.add_argument("--samples-per-shard", type=int, default=default.samples_per_shard)
    parser.add_argument("--val-share", type=float, default=default.val_share)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--holdout-countries", nargs="*", default=[], metavar="COUNTRY")
    parser.add_argument("--opt-out", metavar="FILE", help="keys or digests that are not used")
    parser.add_argument("--preset", help="columns of a known benchmark table")
    parser.add_argument("--columns", nargs="*", default=[], help="further columns for captions")
    parser.add_argument("--processes", type=int, help="default: all cores")
    parser.add_argument(
        "--keep-unplaced",
        action="store_true",
        help="keep photographs whose country nobody knows (for benchmarks)",
    )


def _build(arguments: argparse.Namespace) -> int:
    from streetclip.build.sources import build_options, summary
    from streetclip.cli.console import show_log
    from streetclip.shards.write import build_shards

    options = check_shard_options(
        {f.name: getattr(arguments, f.name) for f in fields(ShardsConfig)}
    )
    show_log()
    report = build_shards(
        arguments.source,
        arguments.out,
        options=build_options(options, keep_unplaced=arguments.keep_unplaced),
        preset=options.preset,
        processes=arguments.processes or os.cpu_count() or 1,
        progress=True,
    )
    print(summary(report))
    return 0


def _index(arguments: argparse.Namespace) -> int:
    from streetclip.cli.console import show_log
    from streetclip.shards.index import index_shards

    show_log()
    processes = arguments.processes or os.cpu_count() or 1
    shard_set = index_shards(arguments.folder, processes=processes)
    print(f"{len(shard_set)} samples in {len(shard_set.shards)} shards indexed: {shard_set.root}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from streetclip.cli.shard_verify import show

    return show(
        arguments.folder,
        arguments.clean,
        captions=arguments.captions,
        processes=arguments.processes or os.cpu_count() or 1,
    )


def _stats(arguments: argparse.Namespace) -> int:
    from streetclip.cli.shard_stats import show

    show(arguments.folder, arguments.captions)
    return 0
