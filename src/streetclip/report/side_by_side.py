"""Several results in one table a set: models and protocols as rows, beside what others report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.markup import escape
from rich.table import Table

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.ceilings import ceiling_name
from streetclip.evaluation.result import Result
from streetclip.metrics.functional import RADII_KM
from streetclip.report import latex
from streetclip.report.markdown import markdown_table
from streetclip.report.measured import intervals
from streetclip.report.published import PublishedRow
from streetclip.report.tables import CEILING_LABELS, ceiling_kinds, estimate_cells, label
from streetclip.shards.layout import write_whole

MARKDOWN_FILE = "tables.md"
LATEX_FILE = "tables.tex"
COLUMNS = (*(f"within_{radius}km" for radius in RADII_KM), "median_km")
"""Values of a result that stand side by side."""

_HEAD = ("model", "protocol", *(label(name) for name in COLUMNS))
Published = Mapping[str, Sequence[PublishedRow]]
"""Rows of others by the name of a set, in small letters."""

_NOTHING: Published = MappingProxyType({})


@dataclass(frozen=True)
class SetTable:
    """The rows of one set.

    Args:
        title: The set, and how many photographs it has.
        rows: Model, protocol, and a cell for each of `COLUMNS`.
        links: Where the report of each row lies; empty for rows of others.
        notes: What a reader must know beside the numbers, one sentence each.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]
    links: tuple[str, ...]
    notes: tuple[str, ...]


def set_tables(
    results: Sequence[Result],
    *,
    links: Sequence[str] = (),
    published: Published = _NOTHING,
) -> list[SetTable]:
    """Results by set, in the order in which the sets come.

    Args:
        results: Of any models, sets and protocols.
        links: Where the report of each result lies, in the same order; none for no links.
        published: What others report on the sets.

    Returns:
        One table a set; results first, then the rows of others.
    """
    linked = list(zip(results, links or [""] * len(results), strict=True))
    names = dict.fromkeys(result.set_name for result in results)
    return [
        _set_table(
            [pair for pair in linked if pair[0].set_name == name],
            published.get(name.lower(), ()),
        )
        for name in names
    ]


def markdown_lines(tables: Sequence[SetTable]) -> list[str]:
    """The tables for a page or a pull request.

    Args:
        tables: From `set_tables`.
    """
    lines: list[str] = []
    for table in tables:
        rows = [
            (f"[{row[0]}]({link})" if link else row[0], *row[1:])
            for row, link in zip(table.rows, table.links, strict=True)
        ]
        notes = [f"- {note}" for note in table.notes]
        lines += [
            f"## {table.title}",
            "",
            *markdown_table(_HEAD, rows).splitlines(),
            "",
            *notes,
            "",
        ]
    return lines


def latex_lines(tables: Sequence[SetTable]) -> list[str]:
    """The tables for a paper; booktabs draws their lines.

    Args:
        tables: From `set_tables`.
    """
    lines: list[str] = []
    for table in tables:
        lines += [
            r"\begin{table}",
            rf"\caption{{{latex.escape(table.title)}. {latex.escape(' '.join(table.notes))}}}",
            rf"\begin{{tabular}}{{ll{'r' * len(COLUMNS)}}}",
            r"\toprule",
            _latex_row(_HEAD),
            r"\midrule",
            *map(_latex_row, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    return lines


def digest_lines(results: Sequence[Result]) -> list[str]:
    """What was measured, as Markdown: every model, protocol and set with its digest.

    Args:
        results: Of any models, sets and protocols.
    """
    measured = dict.fromkeys(
        [("model", r.model, r.weights_digest) for r in results]
        + [("protocol", r.protocol, r.protocol_digest) for r in results]
        + [("set", r.set_name, r.shard_set_digest) for r in results]
    )
    rows = [(kind, name, f"`{digest[:16]}`") for kind, name, digest in measured]
    return ["## Digests", "", *markdown_table(("measured", "name", "digest"), rows).splitlines()]


def terminal_tables(tables: Sequence[SetTable]) -> list[Table]:
    """The tables for a terminal.

    Args:
        tables: From `set_tables`.

    Returns:
        What `rich.console.Console.print` prints.
    """
    made = []
    for table in tables:
        caption = escape("\n".join(table.notes))
        shown = Table(title=escape(table.title), caption=caption, caption_justify="left")
        for number, heading in enumerate(_HEAD):
            shown.add_column(heading, justify="left" if number < 2 else "right", overflow="fold")
        for row in table.rows:
            shown.add_row(*map(escape, row))
        made.append(shown)
    return made


def write_tables(tables: Sequence[SetTable], results: Sequence[Result], folder: Path) -> None:
    """Write `tables.md` and `tables.tex`, each whole or not at all.

    Args:
        tables: From `set_tables`.
        results: That they show.
        folder: Made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = ["# Zero-shot geolocation", "", *markdown_lines(tables), *digest_lines(results), ""]
    write_whole(folder / MARKDOWN_FILE, "\n".join(text).encode())
    write_whole(folder / LATEX_FILE, "\n".join(latex_lines(tables)).encode())


def _set_table(linked: Sequence[tuple[Result, str]], quoted: Sequence[PublishedRow]) -> SetTable:
    results = [result for result, _ in linked]
    own = [
        (result.model, result.protocol, *(_cell(name, result.values.get(name)) for name in COLUMNS))
        for result in results
    ]
    others = [
        (row.model, f"{row.kind}: {row.source}", *(row.text(name) for name in COLUMNS))
        for row in quoted
    ]
    best = _ceilings(results)
    return SetTable(
        title=results[0].title,
        rows=(*own, *best, *others),
        links=(*(link for _, link in linked), *("" for _ in (*best, *others))),
        notes=tuple(_notes(results, quoted=bool(others))),
    )


def _ceilings(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """What each protocol allows on the set, whatever the model; once for each."""
    rows = {
        (CEILING_LABELS[kind], result.protocol): [
            _cell(name, result.ceilings.get(ceiling_name(name, kind))) for name in COLUMNS
        ]
        for result in results
        for kind in ceiling_kinds(result)
    }
    return [(*names, *cells) for names, cells in rows.items()]


def _notes(results: Sequence[Result], *, quoted: bool) -> list[str]:
    notes = [
        f"In brackets: {text}." for text in dict.fromkeys(intervals(result) for result in results)
    ]
    unreadable = max(len(result.unreadable) for result in results)
    if unreadable:
        notes.append(f"Photographs not readable; not counted: {unreadable:,}.")
    if quoted:
        notes.append("Rows without intervals are quoted from the source that they name.")
    return notes


def _cell(name: str, estimate: Estimate | None) -> str:
    value, interval = ("-", "-") if estimate is None else estimate_cells(name, estimate)
    return value if interval == "-" else f"{value} ({interval})"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(latex.escape, cells)) + r" \\"
