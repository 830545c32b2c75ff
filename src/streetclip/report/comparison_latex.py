"""A comparison as LaTeX: plain tabulars with three rules, without any package."""

from collections.abc import Sequence

from streetclip.evaluation.comparison import Comparison
from streetclip.report.comparison import (
    DIFFERENCE_HEAD,
    difference_rows,
    pair_title,
    title,
    value_cell,
    value_names,
)
from streetclip.report.latex import escape
from streetclip.report.tables import label


def latex(comparisons: Sequence[Comparison]) -> str:
    """The tables of comparisons.

    Args:
        comparisons: One a set.

    Returns:
        For each a table of values, a row a model, and a table of differences; notes are comments.
    """
    return "\n".join(
        f"% {_comment(title(comparison))}\n{_values(comparison)}\n{_differences(comparison)}"
        + "".join(f"% {_comment(note)}\n" for note in comparison.notes)
        for comparison in comparisons
    )


def _values(comparison: Comparison) -> str:
    names = value_names(comparison)
    head = ["model", *(label(name) for name in names)]
    rows = [
        [entrant.label, *(value_cell(name, entrant.values[name]) for name in names)]
        for entrant in comparison.entrants
    ]
    return _tabular("l" + "r" * len(names), head, [rows])


def _differences(comparison: Comparison) -> str:
    blocks = [[[pair_title(pair)], *difference_rows(pair)] for pair in comparison.pairs]
    return _tabular("lrrrrrrrl", DIFFERENCE_HEAD, blocks)


def _tabular(columns: str, head: Sequence[str], blocks: Sequence[Sequence[Sequence[str]]]) -> str:
    """Blocks of rows with a rule between them; a row of one cell spans all columns."""
    body = "\\hline\n".join("".join(_row(row, len(columns)) for row in block) for block in blocks)
    inside = f"\\hline\n{_row(head, len(columns))}\\hline\n{body}\\hline\n"
    return f"\\begin{{tabular}}{{{columns}}}\n{inside}\\end{{tabular}}\n"


def _row(cells: Sequence[str], width: int) -> str:
    if len(cells) == 1:
        return f"\\multicolumn{{{width}}}{{l}}{{{escape(cells[0])}}} \\\\\n"
    return " & ".join(map(escape, cells)) + " \\\\\n"


def _comment(text: str) -> str:
    return text.replace("\n", " ")
