"""A result as a table: Markdown for papers and pull requests, rich for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.result import Result
from streetclip.report.leaks import leak_rows, leak_sentences

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
    "country_top1": "country, most probable",
    "country_top5": "country, among the 5 most probable",
    "region_accuracy": "region",
    "city_accuracy": "city",
    "country_accuracy_seen": "country, seen in training",
    "country_accuracy_unseen": "country, not seen in training",
    "country_accuracy_harmonic": "country, harmonic mean of both",
    "region_accuracy_seen": "region, country seen in training",
    "region_accuracy_unseen": "region, country not seen in training",
    "region_accuracy_harmonic": "region, harmonic mean of both",
    "city_accuracy_seen": "city, country seen in training",
    "city_accuracy_unseen": "city, country not seen in training",
    "city_accuracy_harmonic": "city, harmonic mean of both",
    "country_accuracy_seen_towns": "country, town seen in training",
    "country_accuracy_unseen_towns": "country, town not seen in training",
    "country_accuracy_harmonic_towns": "country, harmonic mean of both towns",
    "city_accuracy_seen_towns": "city, town seen in training",
    "city_accuracy_unseen_towns": "city, town not seen in training",
    "city_accuracy_harmonic_towns": "city, harmonic mean of both towns",
    "country_ece": "country, calibration error (ECE, best 0)",
    "country_aurc": "country, area under risk and coverage (AURC, best 0)",
    "matching_accuracy": "caption found in its batch",
}


_NAMED = 5


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
        "without coordinates; only the country counts": _without_point(result),
        "not readable; not counted": len(result.unreadable),
    }
    lines += [f"Photographs {reason}: {count:,}." for reason, count in reasons.items() if count]
    lists = {
        "of the set that are missing; not counted": result.missing,
        "on the disk that the table does not name; not counted": result.surplus,
    }
    lines += [f"Photographs {what}: {_named(names)}." for what, names in lists.items() if names]
    return lines


def _named(names: Sequence[str]) -> str:
    first = ", ".join(names[:_NAMED])
    return f"{len(names):,} ({first}{', ...' if len(names) > _NAMED else ''})"


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
    parts += _leak_parts(result)
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


def _without_point(result: Result) -> int:
    return int(result.predictions["true_latitude"].null_count)


def _leak_parts(result: Result) -> list[str]:
    """What is in training too, as a section; nothing where nobody has looked."""
    if not result.leaks:
        return []
    cells = [
        (LABELS.get(name, name), *estimate_cells(name, whole), *estimate_cells(name, rest))
        for name, whole, rest in leak_rows(result)
    ]
    head = ("metric", "all photographs", "95 % interval", "without the leaked", "95 % interval")
    sentences = "\n".join(f"- {line}" for line in leak_sentences(result.leaks))
    return ["## Seen in training", sentences, *([_markdown_table(head, cells)] if cells else [])]


def estimate_cells(name: str, estimate: Estimate) -> tuple[str, str]:
    """A value and its interval, as they are printed.

    Args:
        name: Of the value in a result.
        estimate: With or without a value.

    Returns:
        Two texts; a dash for what is not known.
    """
    value = "-" if estimate.value is None else format_value(name, estimate.value)
    return value, format_interval(name, estimate)


def _title(result: Result) -> str:
    return f"Zero-shot geolocation on {result.title}"


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
