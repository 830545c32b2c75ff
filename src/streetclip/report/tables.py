"""The values of a result as rows of a table, with their units, and the table of the terminal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from streetclip.evaluation.bootstrap import LEAST_CLUSTERS, Estimate
from streetclip.evaluation.result import Result
from streetclip.report.measured import intervals

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
CEILING_LABELS = {
    "known_country": "best with the country known",
    "nearest": "best of all candidates",
}
# Photographs that a note names; the lists themselves stand elsewhere.
_NAMED = 5
_TOP = re.compile(r"country_top([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One value of a result as it is printed.

    Args:
        name: Of the value.
        label: What a reader calls it.
        value: With its unit.
        interval: Both ends, or a dash.
        ceilings: What the protocol could reach at best, one a kind of `ceiling_kinds`.
        photographs: How many count.
    """

    name: str
    label: str
    value: str
    interval: str
    ceilings: tuple[str, ...]
    photographs: str


def number_rows(result: Result) -> list[NumberRow]:
    """The table of a result.

    Args:
        result: Of an evaluation.

    Returns:
        One row a value; values that no photograph counts for are left out, and so is the most
        probable country where it is the answer by definition.
    """
    kinds = ceiling_kinds(result)
    repeated = _repeated(result)
    return [
        NumberRow(
            name,
            label(name),
            format_value(name, estimate.value),
            format_interval(name, estimate),
            tuple(_ceiling(result, name, kind) for kind in kinds),
            f"{estimate.n:,}",
        )
        for name, estimate in result.values.items()
        if estimate.value is not None and name != repeated
    ]


def _repeated(result: Result) -> str:
    """The most probable country where it is the answer, as greedy decoding makes it."""
    same = result.values.get("country_top1") == result.values.get("country_accuracy")
    return "country_top1" if result.decoding == "greedy" and same else ""


def label(name: str) -> str:
    """What a reader calls a value.

    Args:
        name: Of the value in a result.

    Example:
        >>> label("within_25km"), label("country_top10"), label("new_value")
        ('within 25 km', 'country, among the 10 most probable', 'new_value')
    """
    top = _TOP.fullmatch(name)
    if name not in LABELS and top is not None:
        return f"country, among the {top[1]} most probable"
    return LABELS.get(name, name)


def ceiling_kinds(result: Result) -> list[str]:
    """The kinds of ceilings that a result tells.

    Args:
        result: Of an evaluation.

    Returns:
        Keys of `CEILING_LABELS`, in their order.
    """
    told = {name.rpartition("/")[2] for name in result.ceilings}
    return [kind for kind in CEILING_LABELS if kind in told]


def _ceiling(result: Result, name: str, kind: str) -> str:
    estimate = result.ceilings.get(f"{name}/{kind}")
    if estimate is None or estimate.value is None:
        return "-"
    return format_value(name, estimate.value)


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
    batch = f"{result.matching_batch} photographs a batch"
    lines = [
        f"Intervals: {intervals(result)}.",
        f"Caption found in its batch: {batch}, full captions, in the order of the set.",
    ]
    if 0 < result.clusters < LEAST_CLUSTERS:
        lines.append(f"No intervals: {result.clusters} clusters are too few to draw from.")
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


def terminal_table(result: Result) -> Table:
    """The table for a terminal.

    Args:
        result: Of an evaluation.

    Returns:
        What `rich.console.Console.print` prints; the notes stand below.
    """
    title = f"{heading(result)}\n{result.model}, protocol {result.protocol}"
    table = Table(title=title, caption="\n".join(notes(result)), caption_justify="left")
    table.add_column("metric")
    ceilings = [CEILING_LABELS[kind] for kind in ceiling_kinds(result)]
    for column in ("value", "95 % interval", *ceilings, "photographs"):
        table.add_column(column, justify="right")
    for row in number_rows(result):
        table.add_row(row.label, row.value, row.interval, *row.ceilings, row.photographs)
    return table


def _without_point(result: Result) -> int:
    return int(result.predictions["true_latitude"].null_count)


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


def heading(result: Result) -> str:
    """What the report of a result is called.

    Args:
        result: Of an evaluation.
    """
    return f"Zero-shot geolocation on {result.title}"
