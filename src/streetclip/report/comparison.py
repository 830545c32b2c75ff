"""A comparison as tables: Markdown for papers and pull requests, rich for the terminal."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.comparison import Comparison, Entrant, Pair
from streetclip.evaluation.paired import Difference
from streetclip.report.markdown import markdown_table
from streetclip.report.tables import format_interval, format_value, label

DIFFERENCE_HEAD = (
    "value",
    "difference",
    "95 % interval",
    "photographs",
    "only first right",
    "only second right",
    "p",
    "adjusted p",
    "verdict",
)
NOT_SHOWN = "no difference shown"


def format_difference(name: str, value: float) -> str:
    """A difference with its sign and unit.

    Args:
        name: Of the value in a result.
        value: A share of -1 to 1, kilometers, or a GeoScore.

    Returns:
        Shares in percentage points.

    Example:
        >>> format_difference("within_25km", 0.0301), format_difference("median_km", -120.4)
        ('+3.0 points', '-120 km')
    """
    unit = " km" if name.endswith("_km") else "" if name == "geoscore" else " points"
    return _signed(name, value, like=value) + unit


def format_range(name: str, found: Difference) -> str:
    """The interval of a difference without its unit.

    Args:
        name: Of the value in a result.
        found: Between two models.

    Returns:
        Both ends with their signs, and as many digits.
    """
    ends = (found.low, found.high)
    greatest = max(map(abs, ends))
    return " to ".join(_signed(name, end, like=greatest) for end in ends)


def format_p(p: float) -> str:
    """A p-value.

    Args:
        p: 0 to 1.

    Returns:
        Four digits, or that it is below them.

    Example:
        >>> format_p(0.01234), format_p(2e-9)
        ('0.0123', '< 0.0001')
    """
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def value_names(comparison: Comparison) -> list[str]:
    """Values that photographs of the comparison count for.

    Args:
        comparison: Of results.

    Returns:
        Names, in the order of a report.
    """
    values = comparison.entrants[0].values
    return [name for name, estimate in values.items() if estimate.value is not None]


def value_cell(name: str, estimate: Estimate) -> str:
    """A value with its interval.

    Args:
        name: Of the value in a result.
        estimate: Of one model.

    Example:
        >>> value_cell("within_25km", Estimate(0.2834, 2997, 0.267, 0.3))
        '28.3 % (26.7 to 30.0)'
    """
    if estimate.value is None:
        return "-"
    return f"{format_value(name, estimate.value)} ({format_interval(name, estimate)})"


def value_rows(comparison: Comparison) -> list[list[str]]:
    """The table of values: one row a value, one column a model.

    Args:
        comparison: Of results.

    Returns:
        Rows; the second column is the number of photographs that count.
    """
    return [
        [
            label(name),
            f"{comparison.entrants[0].values[name].n:,}",
            *(value_cell(name, entrant.values[name]) for entrant in comparison.entrants),
        ]
        for name in value_names(comparison)
    ]


def difference_rows(pair: Pair) -> list[list[str]]:
    """The table of differences of two models.

    Args:
        pair: Of a comparison.

    Returns:
        Rows with the columns of `DIFFERENCE_HEAD`; the verdict says in words what is real.
    """
    return [
        [
            label(name),
            format_difference(name, found.value),
            format_range(name, found),
            f"{found.n:,}",
            _count(found.first_only),
            _count(found.second_only),
            format_p(found.p),
            format_p(found.adjusted_p),
            f"{pair.better(name)} is better" if found.better else NOT_SHOWN,
        ]
        for name, found in pair.differences.items()
    ]


def pair_title(pair: Pair) -> str:
    """What the differences of two models are called.

    Args:
        pair: Of a comparison.
    """
    return f"{pair.second} (second) less {pair.first} (first)"


def title(comparison: Comparison) -> str:
    """What a comparison is called.

    Args:
        comparison: Of results.
    """
    return f"Comparison on {comparison.title}"


def markdown(comparisons: Sequence[Comparison], *, left_out: Sequence[str] = ()) -> str:
    """The report of comparisons.

    Args:
        comparisons: One a set.
        left_out: Sentences about results that are in none of them.

    Returns:
        Markdown; a section a set with values, differences, notes and what was compared.
    """
    parts = [part for comparison in comparisons for part in _section(comparison)]
    if left_out:
        parts.append("\n".join(f"- {sentence}" for sentence in left_out))
    return "\n\n".join(parts) + "\n"


def terminal_tables(comparison: Comparison) -> Iterator[Table]:
    """The tables for a terminal: values, then differences.

    Args:
        comparison: Of results.

    Yields:
        What `rich.console.Console.print` prints; the notes stand below the last.
    """
    values = Table(title=escape(title(comparison)))
    values.add_column("value")
    values.add_column("photographs", justify="right")
    for entrant in comparison.entrants:
        values.add_column(escape(entrant_title(comparison, entrant)), justify="right")
    for row in value_rows(comparison):
        values.add_row(*row)
    yield values
    for number, pair in enumerate(comparison.pairs, 1):
        table = Table(title=escape(pair_title(pair)))
        for heading in DIFFERENCE_HEAD:
            words = heading in ("value", "verdict")
            table.add_column(heading, justify="left" if words else "right")
        for row in difference_rows(pair):
            table.add_row(*map(escape, row))
        if number == len(comparison.pairs):
            table.caption = escape("\n".join(comparison.notes))
            table.caption_justify = "left"
        yield table


def _section(comparison: Comparison) -> Iterator[str]:
    yield f"# {title(comparison)}"
    names = [entrant_title(comparison, entrant) for entrant in comparison.entrants]
    yield markdown_table(("value", "photographs", *names), value_rows(comparison))
    for pair in comparison.pairs:
        yield f"## {pair_title(pair)}"
        yield markdown_table(DIFFERENCE_HEAD, difference_rows(pair))
    yield "## Notes"
    yield "\n".join(f"- {note}" for note in comparison.notes)
    head = ("result", "model", "protocol", "decoding", "photographs", "not readable", "folder")
    yield markdown_table(head, [_origin(entrant) for entrant in comparison.entrants])
    digests = ("result", "results.json", "weights", "protocol", "shard set")
    yield markdown_table(digests, [_digests(entrant) for entrant in comparison.entrants])


def entrant_title(comparison: Comparison, entrant: Entrant) -> str:
    """What a column of the table of values is called.

    Args:
        comparison: Of results.
        entrant: One of them.
    """
    return f"{entrant.label} (baseline)" if entrant.label == comparison.baseline else entrant.label


def _origin(entrant: Entrant) -> list[str]:
    return [
        entrant.label,
        f"`{entrant.model}`",
        f"`{entrant.protocol}`",
        entrant.decoding,
        f"{entrant.photos:,}",
        f"{entrant.unreadable:,}",
        f"`{entrant.folder}`",
    ]


def _digests(entrant: Entrant) -> list[str]:
    digests = (
        entrant.digest,
        entrant.weights_digest,
        entrant.protocol_digest,
        entrant.shard_set_digest,
    )
    return [entrant.label, *(f"`{digest[:16]}`" for digest in digests)]


def _signed(name: str, value: float, *, like: float) -> str:
    """A number with its sign, and the digits that another of the same kind needs."""
    if name == "geoscore" or (name.endswith("_km") and abs(like) >= 10):
        text = f"{value:+,.0f}"
    else:
        text = f"{value if name.endswith('_km') else 100 * value:+,.1f}"
    # What is rounded to nothing has no sign.
    return text.lstrip("+-") if not text.strip("+-0.") else text


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
