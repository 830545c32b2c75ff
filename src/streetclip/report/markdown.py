"""A result as Markdown, for papers and pull requests."""

from collections.abc import Sequence

from streetclip.evaluation.result import Result
from streetclip.report.leaks import LEAK_HEAD, leak_rows, leak_sentences
from streetclip.report.published import published_names, published_rows
from streetclip.report.tables import (
    CEILING_LABELS,
    ceiling_kinds,
    estimate_cells,
    heading,
    label,
    notes,
    number_rows,
)

# A pull request shall not be filled by the names of photographs.
_MOST_NAMES = 50


def markdown(result: Result) -> str:
    """The report of a result.

    Args:
        result: Of an evaluation.

    Returns:
        Markdown with a title, the table, notes, published figures beside, and what was measured.
    """
    parts = [
        f"# {heading(result)}",
        f"Model `{result.model}`, protocol `{result.protocol}`, decoding `{result.decoding}`.",
        number_table(result),
        "\n".join(f"- {note}" for note in notes(result)),
        *_published(result),
        markdown_table(("measured", "digest"), _digests(result)),
        ", ".join(f"{name} {version}" for name, version in result.versions.items()),
        *_leaks(result),
        *_lists(result),
    ]
    return "\n\n".join(parts) + "\n"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells hold no separators, whatever is in them.

    Args:
        head: Names of the columns.
        rows: As many cells as columns.

    Returns:
        Markdown without a line end.

    Example:
        >>> print(markdown_table(("a", "b"), [("1|2", "x")]))
        | a | b |
        | --- | --- |
        | 1/2 | x |
    """
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in cells)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def number_table(result: Result) -> str:
    """The values of a result with intervals, and with what the protocol could reach at best.

    Args:
        result: Of an evaluation.

    Returns:
        Markdown without a line end.
    """
    ceilings = [CEILING_LABELS[kind] for kind in ceiling_kinds(result)]
    return markdown_table(
        ("metric", "value", "95 % interval", *ceilings, "photographs"),
        [
            (row.label, row.value, row.interval, *row.ceilings, row.photographs)
            for row in number_rows(result)
        ],
    )


def _published(result: Result) -> list[str]:
    rows = published_rows(result.set_name)
    if not rows:
        return []
    names = published_names(rows)
    table = [["**this result**", *(_value(result, name) for name in names), "measured here"]]
    table += [
        [row.model, *(row.text(name) for name in names), f"{row.kind}: {row.source}"]
        for row in rows
    ]
    head = ("model", *(label(name) for name in names), "source")
    return ["Published figures on this set, not measured here:", markdown_table(head, table)]


def _value(result: Result, name: str) -> str:
    estimate = result.values.get(name)
    return "-" if estimate is None else estimate_cells(name, estimate)[0]


def _digests(result: Result) -> list[tuple[str, str]]:
    return [
        ("weights", f"`{result.weights_digest[:16]}`"),
        ("protocol", f"`{result.protocol_digest[:16]}`"),
        ("shard set", f"`{result.shard_set_digest[:16]}`"),
    ]


def _leaks(result: Result) -> list[str]:
    """What is in training too, as a section; nothing where nobody has looked."""
    if not result.leaks:
        return []
    cells = [
        (label(name), *estimate_cells(name, whole), *estimate_cells(name, rest))
        for name, whole, rest in leak_rows(result)
    ]
    sentences = "\n".join(f"- {line}" for line in leak_sentences(result.leaks))
    table = [markdown_table(LEAK_HEAD, cells)] if cells else []
    return ["## Seen in training", sentences, *table]


def _lists(result: Result) -> list[str]:
    """The photographs that do not count, by name, up to a number of them."""
    lists = {
        ("not readable", "reason"): result.unreadable,
        ("missing",): [(name,) for name in result.missing],
        ("on the disk, not in the table",): [(name,) for name in result.surplus],
    }
    parts = []
    for head, rows in lists.items():
        if rows:
            shown = [(f"`{row[0]}`", *row[1:]) for row in rows[:_MOST_NAMES]]
            parts.append(markdown_table(head, shown))
        if len(rows) > _MOST_NAMES:
            parts.append(f"The first {_MOST_NAMES} of {len(rows):,}.")
    return parts
