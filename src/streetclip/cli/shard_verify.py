"""What `streetclip shards verify` prints, and the clean shard set that it writes on request."""

from collections.abc import Sequence
from pathlib import Path

from streetclip.captions.template import Template, load_template
from streetclip.data.usable import Usable
from streetclip.shards.clean import clean
from streetclip.shards.reach import find_sources
from streetclip.shards.verify import Problem, verify

_NO_CAPTIONS = "none"


def show(folder: Path | str, out: Path | None, *, captions: str | None, processes: int) -> int:
    """Look at every sample, print what is bad, and copy the rest if asked to.

    Args:
        folder: A shard set, the folder of its splits, or tars without an index; a shard set may be
            at a URL.
        out: Where a clean shard set goes, or None.
        captions: Template that the samples must suffice for, ``"none"``, or None for the default.
        processes: How many look at a time.

    Returns:
        Exit code: 0 where there is no problem, or a clean shard set was written; 2 otherwise.
    """
    check = Usable(_template(folder, captions))
    if out is None:
        problems = verify(folder, check, processes=processes, progress=True)
        _print(problems, folder)
        return 2 if problems else 0
    cleaned = clean(folder, out, check, processes=processes, progress=True)
    _print(cleaned.problems, folder)
    print(f"{cleaned.kept} samples kept in {cleaned.out}")
    left_out = len(cleaned.rejections)
    print(f"{left_out} left out, listed in {cleaned.out / 'rejected.csv'}")
    return 0


def _template(folder: Path | str, captions: str | None) -> Template | None:
    if captions is None:
        sources = find_sources(folder)
        unplaced = all(each.shard_set.options.get("keep_unplaced") for each in sources)
        captions = _NO_CAPTIONS if unplaced else "street"
        if unplaced:
            print("built with --keep-unplaced: photographs without a country are no problem here")
    return None if captions == _NO_CAPTIONS else load_template(captions)


def _print(problems: Sequence[Problem], folder: Path | str) -> None:
    for problem in problems:
        fields = (problem.shard, problem.key, problem.reason, problem.detail)
        print("\t".join(_printable(text) for text in fields))
    print(f"{len(problems)} problems in {folder}")


def _printable(text: str) -> str:
    """A tar from elsewhere may have names that a terminal would take for commands."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
