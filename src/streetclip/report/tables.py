"""A result as a table: Markdown for papers and pull requests, rich for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.registry import set_title
from streetclip.evaluation.result import Result

LABELS = {
    "within_1km": "within 1 km",
    "within_25km": "within 25 km",
    "within_200km": "within 200 km",
    "within_750km": "within 750 km",
    "within_2500km": "within 2500 km",
    "median_km": "median error",
    "mean_km": "mean error",
    "geoscore": "GeoScore (best 5000)",
    "country_accuracy": "country",
    "region_accuracy": "region",
    "country_accuracy_seen": "country, seen in training",
    "country_accuracy_unseen": "country, not seen in training",
    "country_accuracy_harmonic": "country, harmonic mean of both",
    "region_accuracy_seen": "region, country seen in training",
    "region_accuracy_unseen": "region, country not seen in training",
    "region_accuracy_harmonic": "region, harmonic mean of both",
    "country_accuracy_seen_towns": "country, town seen in training",
    "country_accuracy_unseen_towns": "country, town not seen in training",
    "matching_accuracy": "caption found in its batch",
}


def table_rows(result: Result) -> list[tuple[str, str, str, str]]:
    """Metric, value, interval and number of photographs, as they are printed.

    Args:
        result: Of an evaluation.

    Returns:
        One row a value; values that no photograph counts for are left out.
    """
    return [
        (
            LABELS.get(name, name),
            format_value(name, estimate.value),
            format_interval(name, estimate),
            f"{estimate.n:,}",
        )
        for name, estimate in result.values.items()
        if estimate.value is not None
    ]


def format_value(name: str, value: float) -> str:
    """A number with its unit.

    Args:
        name: Of the value in a result.
        value: A share of 0 to 1, kilometers, or a GeoScore.

    Returns:
        Shares as per cent.

    Example:
        >>> format_value("within_25km", 0.2834), format_value("median_km", 1234.5)
        ('28.3 %', '1,234 km')
    """
    if name.endswith("_km"):
        return f"{value:,.0f} km" if value >= 10 else f"{value:.1f} km"
    if name == "geoscore":
        return f"{value:,.0f}"
    return f"{100 * value:.1f} %"


def format_interval(name: str, estimate: Estimate) -> str:
    """An interval without its unit.

    Args:
        name: Of the value in a result.
        estimate: With or without an interval.

    Returns:
        Both ends, or a dash where there is none.

    Example:
        >>> format_interval("geoscore", Estimate(3000.0, 500, 2900.4, 3100.2))
        '2,900 to 3,100'
    """
    if estimate.low is None or estimate.high is None:
        return "-"
    ends = [format_value(name, end).split(" ")[0] for end in (estimate.low, estimate.high)]
    return " to ".join(ends)


def notes(result: Result) -> list[str]:
    """What a reader must know beside the numbers, one sentence each.

    Args:
        result: Of an evaluation.

    Returns:
        Sentences; among them every photograph that does not count.
    """
    bootstrap = f"{result.resamples:,} resamples, seed {result.seed}"
    batch = f"{result.matching_batch} photographs a batch"
    lines = [
        f"95 % intervals: bootstrap over photographs, {bootstrap}.",
        f"Caption found in its batch: {batch}, full captions, in the order of the set.",
    ]
    reasons = {
        "in a country that the protocol does not name; counted as wrong": result.outside_protocol,
        "without a known country; only the distance counts": result.unknown_country,
        "not readable; not counted": len(result.unreadable),
    }
    lines += [f"Photographs {reason}: {count:,}." for reason, count in reasons.items() if count]
    return lines


def markdown(result: Result) -> str:
    """The report of a result.

    Args:
        result: Of an evaluation.

    Returns:
        Markdown with a title, the table, notes, and what was measured.
    """
    parts = [
        f"# {_title(result)}",
        f"Model `{result.model}`, protocol `{result.protocol}`.",
        _markdown_table(("metric", "value", "95 % interval", "photographs"), table_rows(result)),
        "\n".join(f"- {note}" for note in notes(result)),
        _markdown_table(("measured", "digest"), _digests(result)),
        ", ".join(f"{name} {version}" for name, version in result.versions.items()),
    ]
    if result.unreadable:
        rows = [(f"`{key}`", reason) for key, reason in result.unreadable]
        parts.append(_markdown_table(("not readable", "reason"), rows))
    return "\n\n".join(parts) + "\n"


def terminal_table(result: Result) -> Table:
    """The table for a terminal.

    Args:
        result: Of an evaluation.

    Returns:
        What `rich.console.Console.print` prints; the notes stand below.
    """
    title = f"{_title(result)}\n{result.model}, protocol {result.protocol}"
    table = Table(title=title, caption="\n".join(notes(result)), caption_justify="left")
    table.add_column("metric")
    for heading in ("value", "95 % interval", "photographs"):
        table.add_column(heading, justify="right")
    for row in table_rows(result):
        table.add_row(*row)
    return table


def _title(result: Result) -> str:
    return f"Zero-shot geolocation on {set_title(result.set_name, result.photos)}"


def _digests(result: Result) -> list[tuple[str, str]]:
    return [
        ("weights", f"`{result.weights_digest[:16]}`"),
        ("protocol", f"`{result.protocol_digest[:16]}`"),
        ("shard set", f"`{result.shard_set_digest[:16]}`"),
    ]


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in row)} |"
        for row in cells
    )
