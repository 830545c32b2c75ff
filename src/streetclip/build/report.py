"""The report of a result written again: with pictures, or as LaTeX."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from streetclip.build.sources import open_set, whole
from streetclip.config.data import ShardsConfig
from streetclip.errors import InputError
from streetclip.evaluation.registry import parse_data
from streetclip.evaluation.result import Result, read_result
from streetclip.report.latex import latex_table
from streetclip.report.page import PAGE_FILE
from streetclip.report.pictures import ShardPictures
from streetclip.report.write import write_report
from streetclip.shards.durable import write_whole
from streetclip.shards.output import check_file, check_folder


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Which result is reported, and how.

    Args:
        result: A result folder.
        pictures: A path or `NAME=PATH` of the photographs that were evaluated, of which the page
            shall show some; None shows none, since they may be private.
        latex: A file for the tables in LaTeX; None writes none.
        shards_dir: Where the benchmark keeps the shard sets that it has built.
    """

    result: Path
    pictures: str | None = None
    latex: Path | None = None
    shards_dir: Path = Path("shards")


def report_again(options: ReportOptions, *, progress: bool = True) -> list[Path]:
    """Write page, Markdown and map of a result again, and LaTeX if asked to.

    Args:
        options: What the user gave.
        progress: Show progress bars, should the photographs have to be packed again.

    Returns:
        The page, and the LaTeX file if there is one.

    Raises:
        InputError: There is no result, or the photographs are not those that were evaluated.
    """
    result = read_result(options.result)
    check_folder(options.result, "the result")
    if options.latex is not None:
        check_file(options.latex, "--latex", is_ours=_is_latex)
    if options.pictures is None:
        write_report(result, options.result)
    else:
        with closing(_pictures(result, options, progress)) as pictures:
            write_report(result, options.result, thumbnails=pictures)
    written = [options.result / PAGE_FILE]
    if options.latex is not None:
        write_whole(options.latex, latex_table(result).encode())
        written.append(options.latex)
    return written


def _pictures(result: Result, options: ReportOptions, progress: bool) -> ShardPictures:
    source = parse_data(str(options.pictures))
    config = ShardsConfig(preset=source.preset)
    shard_set = open_set(whole(source.path, config, options.shards_dir, progress=progress))
    if shard_set.digest != result.shard_set_digest:
        raise InputError(
            f"--pictures {options.pictures}: other photographs than those of {options.result}",
            got=f"shard set {shard_set.digest[:16]}",
            allowed=f"shard set {result.shard_set_digest[:16]}",
            remedy="give --pictures and --shards-dir as --data and shards_dir of the benchmark",
        )
    return ShardPictures(shard_set)


def _is_latex(begin: bytes) -> bool:
    """Whether a file begins as the tables that this command writes."""
    return begin.startswith(rb"\begin{table}")
