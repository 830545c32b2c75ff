"""What `streetclip compare` writes: the numbers for programs, the tables for readers."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streetclip.evaluation.comparison import Comparison
from streetclip.evaluation.result import current_versions
from streetclip.report.comparison import markdown
from streetclip.report.comparison_latex import latex
from streetclip.report.comparison_page import comparison_page
from streetclip.shards.layout import write_whole

VERSION = 1
COMPARISON_FILE = "comparison.json"
MARKDOWN_FILE = "comparison.md"
PAGE_FILE = "comparison.html"
LATEX_FILE = "comparison.tex"


def content(comparisons: Sequence[Comparison], *, left_out: Sequence[str] = ()) -> dict[str, Any]:
    """Comparisons as what JSON can hold.

    Args:
        comparisons: One a set.
        left_out: Sentences about results that are in none of them.

    Returns:
        ``version``, ``comparisons`` with the fields of `Comparison`, ``left_out``, ``versions``.
    """
    return {
        "version": VERSION,
        "comparisons": [asdict(comparison) for comparison in comparisons],
        "left_out": list(left_out),
        "versions": dict(current_versions()),
    }


def write_comparisons(
    comparisons: Sequence[Comparison],
    folder: Path,
    *,
    left_out: Sequence[str] = (),
    with_latex: bool = False,
) -> None:
    """Write `comparison.md`, `.html`, `.tex` if asked for, and last of all `comparison.json`.

    Args:
        comparisons: One a set.
        folder: Made if it does not exist.
        left_out: Sentences about results that are in none of them.
        with_latex: Whether to write `comparison.tex`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / MARKDOWN_FILE, markdown(comparisons, left_out=left_out).encode())
    page = comparison_page(comparisons, left_out=left_out)
    write_whole(folder / PAGE_FILE, page.encode())
    if with_latex:
        write_whole(folder / LATEX_FILE, latex(comparisons).encode())
    held = content(comparisons, left_out=left_out)
    text = json.dumps(held, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / COMPARISON_FILE, text.encode())
