"""A result as a table for a paper in LaTeX."""

from collections.abc import Sequence

from streetclip.evaluation.result import Result
from streetclip.report.published import published_names, published_rows
from streetclip.report.tables import (
    CEILING_LABELS,
    ceiling_kinds,
    estimate_cells,
    heading,
    label,
    number_rows,
)

# Every character that LaTeX would read as a command; a backslash becomes one with braces, so that
# all are replaced in one pass.
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        '"': r"\textquotedbl{}",
    }
)


def latex_table(result: Result) -> str:
    """The values of a result with intervals and ceilings, and published figures in a second table.

    Args:
        result: Of an evaluation.

    Returns:
        One or two ``table`` environments; they need the package ``booktabs``.
    """
    model = f"{result.model}, protocol {result.protocol}, decoding {result.decoding}"
    ceilings = [CEILING_LABELS[kind] for kind in ceiling_kinds(result)]
    tables = [
        _table(
            f"{heading(result)}: {model}.",
            ("metric", "value", "95 % interval", *ceilings, "photographs"),
            [
                (row.label, row.value, row.interval, *row.ceilings, row.photographs)
                for row in number_rows(result)
            ],
        )
    ]
    rows = published_rows(result.set_name)
    if rows:
        names = published_names(rows)
        body = [["this result", *(_value(result, name) for name in names), "measured here"]]
        body += [[row.model, *map(row.text, names), f"{row.kind}: {row.source}"] for row in rows]
        head = ("model", *(label(name) for name in names), "source")
        caption = f"{result.title}: this result beside published figures, not measured here."
        tables.append(_table(caption, head, body))
    return "\n".join(tables)


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it stands.

    Args:
        text: Any text; line ends become spaces.

    Example:
        >>> print(escape("95 % of a_b {x}"))
        95 \% of a\_b \{x\}
    """
    return " ".join(text.split()).translate(_ESCAPES)


def _value(result: Result, name: str) -> str:
    estimate = result.values.get(name)
    return "-" if estimate is None else estimate_cells(name, estimate)[0]


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    columns = "l" + "r" * (len(head) - 1)
    return "\n".join(
        (
            r"\begin{table}",
            rf"\caption{{{escape(caption)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _line(head),
            r"\midrule",
            *map(_line, rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        )
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"
