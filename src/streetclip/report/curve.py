"""The curve of weights between a start model and a tuned one: as CSV, as JSON and as a table."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from streetclip.errors import InputError, ResultError
from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.paired import COMPARED, ERRORS
from streetclip.evaluation.probe import ProbeResult
from streetclip.evaluation.result import Result
from streetclip.report.tables import estimate_cells, label

PROBE = "probe"
PROBE_NAMES = ("accuracy", "top5_accuracy")
_SHOWN = ("country_accuracy", "within_25km", "median_km")
_HEAD = ("alpha", "set", "protocol", "name", "value", "low", "high", "n")


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the numbers of a curve.

    Args:
        set_name: Of the photographs, or `PROBE`.
        protocol: Its name; empty for the probe set.
        name: Of the value.
    """

    set_name: str
    protocol: str
    name: str

    @property
    def text(self) -> str:
        """As a user writes it."""
        return "/".join(part for part in (self.set_name, self.protocol, self.name) if part)

    @property
    def is_probe(self) -> bool:
        """Whether it is of the probe set; a set of geolocation may have the same name."""
        return self.set_name == PROBE and not self.protocol

    @property
    def is_error(self) -> bool:
        """Whether lower is better."""
        return self.name in ERRORS


@dataclass(frozen=True)
class CurvePoint:
    """The model at one place of the line.

    Args:
        alpha: 0 is the start, 1 the tuned model.
        digest: Of its weights.
        results: One for each set and protocol.
        probe: What it knows of the probe set; None where there is none.
    """

    alpha: float
    digest: str
    results: tuple[Result, ...]
    probe: ProbeResult | None = None

    def values(self) -> Iterator[tuple[Measure, Estimate]]:
        """All its numbers, those of geolocation first."""
        for result in self.results:
            for name, estimate in result.values.items():
                yield Measure(result.set_name, result.protocol, name), estimate
        if self.probe is not None:
            for name, estimate in self.probe.values.items():
                yield Measure(PROBE, "", name), estimate

    def value(self, measure: Measure) -> Estimate | None:
        """One of its numbers, or None where it has no such number.

        Args:
            measure: Which.
        """
        return dict(self.values()).get(measure)


def find_measure(
    name: str, *, sets: Sequence[str], protocols: Sequence[str], probe: bool
) -> Measure:
    """The number that a user means.

    Args:
        name: ``SET/PROTOCOL/VALUE``, of which set and protocol may be left out where there is only
            one; or ``probe/VALUE``.
        sets: Names of the sets.
        protocols: Names of the protocols.
        probe: Whether there is a probe set.

    Raises:
        InputError: There is no such number, or several.

    Example:
        >>> find_measure("country_accuracy", sets=["val"], protocols=["paper"], probe=False).text
        'val/paper/country_accuracy'
    """
    all_ = [Measure(s, p, v) for s in sets for p in protocols for v in COMPARED]
    all_ += [Measure(PROBE, "", value) for value in PROBE_NAMES if probe]
    found = [m for m in all_ if name in _spellings(m)]
    if len(found) != 1:
        number = "several numbers" if found else "no number"
        values = f"probe/{PROBE_NAMES[0]}, " if probe else ""
        raise InputError(
            f"'{name}' is the name of {number} of the curve",
            got=", ".join(measure.text for measure in found) or None,
            allowed=f"{values}or SET/PROTOCOL/VALUE with a set of {', '.join(sets)}, a protocol of "
            f"{', '.join(protocols)} and a value of {', '.join(COMPARED)}",
        )
    return found[0]


def best_point(
    points: Sequence[CurvePoint], measure: Measure, *, at_most_forgotten: float | None = None
) -> CurvePoint:
    """The point with the best value; of equal ones the one nearest to the start.

    Args:
        points: In the order of their alpha.
        measure: What is compared.
        at_most_forgotten: Only points that have forgotten no more than this share of the probe set;
            None takes all.

    Raises:
        ResultError: Nobody knows the value at any point.
    """
    allowed = [
        point
        for point in points
        if at_most_forgotten is None or _forgotten(point) <= at_most_forgotten
    ]
    known = [
        (value.value, point)
        for point in allowed
        if (value := point.value(measure)) is not None and value.value is not None
    ]
    if not known:
        raise ResultError(f"{measure.text} has no value at any point of the curve")
    sign = -1 if measure.is_error else 1
    return max(known, key=lambda pair: sign * pair[0])[1]


def curve_csv(points: Sequence[CurvePoint]) -> str:
    """Every number of every point, a row each, with the ends of its interval.

    Args:
        points: In the order of their alpha.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_HEAD)
    for point in points:
        for measure, found in point.values():
            place = (point.alpha, measure.set_name, measure.protocol, measure.name)
            table.writerow((*place, found.value, found.low, found.high, found.n))
    return text.getvalue()


def curve_content(points: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    """The points as JSON holds them: digests, and all numbers with their intervals.

    Args:
        points: In the order of their alpha.
    """
    return [
        {
            "alpha": point.alpha,
            "weights_digest": point.digest,
            "results": [
                {
                    "set": result.set_name,
                    "protocol": result.protocol,
                    "protocol_digest": result.protocol_digest,
                    "shard_set_digest": result.shard_set_digest,
                    "values": {name: asdict(value) for name, value in result.values.items()},
                }
                for result in point.results
            ],
            "probe": None if point.probe is None else point.probe.plain,
        }
        for point in points
    ]


def shown_measures(points: Sequence[CurvePoint]) -> list[Measure]:
    """The numbers that a table has room for: a few of each set, and all of the probe set.

    Args:
        points: Of a curve; numbers that no point has are left out.
    """
    return [
        measure
        for measure in dict.fromkeys(m for point in points for m, _ in point.values())
        if (measure.name in _SHOWN or measure.is_probe)
        and any((v := point.value(measure)) is not None and v.value is not None for point in points)
    ]


def curve_table(points: Sequence[CurvePoint]) -> Table:
    """The curve for a terminal: a row a point, intervals in brackets.

    Args:
        points: In the order of their alpha.

    Returns:
        What `rich.console.Console.print` prints.
    """
    measures = shown_measures(points)
    table = Table(title="From the start (alpha 0) to the tuned model (alpha 1)")
    table.add_column("alpha", justify="right")
    for measure in measures:
        of = " ".join(part for part in (measure.set_name, measure.protocol) if part)
        table.add_column(escape(f"{measure_label(measure)}\n{of}"), justify="right")
    for point in points:
        cells = [_cell(measure, point.value(measure)) for measure in measures]
        table.add_row(f"{point.alpha:g}", *cells)
    return table


def measure_label(measure: Measure) -> str:
    """The words for a value.

    Args:
        measure: Of a curve.

    Example:
        >>> measure_label(Measure("probe", "", "top5_accuracy"))
        'right among 5'
    """
    if not measure.is_probe:
        return label(measure.name)
    return {"accuracy": "right", "top5_accuracy": "right among 5"}.get(measure.name, measure.name)


def _cell(measure: Measure, estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    value, interval = estimate_cells(measure.name, estimate)
    return value if interval == "-" else f"{value}\n({interval})"


def _spellings(measure: Measure) -> tuple[str, ...]:
    """A number of the probe set is never meant without its set."""
    if measure.is_probe:
        return (measure.text,)
    return (measure.text, f"{measure.set_name}/{measure.name}", measure.name)


def _forgotten(point: CurvePoint) -> float:
    found = point.value(Measure(PROBE, "", "forgotten"))
    return float("inf") if found is None or found.value is None else found.value
