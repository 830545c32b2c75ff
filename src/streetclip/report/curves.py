"""The curves of a result: errors, reliability of its probabilities, and what abstaining buys."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streetclip.evaluation.calibration import CoveragePoint, ReliabilityBin
from streetclip.evaluation.result import Result
from streetclip.metrics.functional import RADII_KM
from streetclip.report.answers import Answers
from streetclip.report.chart import (
    Chart,
    Scale,
    cumulative_shares,
    distance_chart,
    share_chart,
)

_LOW_KM, _HIGH_KM = 1.0, 20_037.5
_STEPS = 160
_POINTS = 200
# The columns of predictions that say how near any answer of the protocol could have come.
CEILING_COLUMNS = {
    "nearest_in_country_km": "ceiling, true country known",
    "nearest_km": "ceiling, nearest candidate of all",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A curve.

    Args:
        label: What it shows.
        path: The ``d`` of an SVG path.
        style: Number of its color and dashes.
    """

    label: str
    path: str
    style: int


@dataclass(frozen=True, slots=True)
class Radius:
    """A radius on the error curve, with the interval of its share.

    Args:
        km: The radius.
        x: Where it stands.
        share: Of the photographs within it, or None where the result does not say.
        y: Where the share stands.
        low: Where the lower end of the interval stands; None without one.
        high: Where the upper end stands.
        lines: The share of each line at this radius, in the order of the lines.
    """

    km: int
    x: float
    share: float | None
    y: float
    low: float | None
    high: float | None
    lines: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ErrorCurve:
    """How many photographs have an error of at most so many kilometers.

    Args:
        chart: The frame.
        lines: The result first, then the ceilings that the predictions tell.
        radii: The radii of the metrics.
    """

    chart: Chart
    lines: tuple[Line, ...]
    radii: tuple[Radius, ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of the reliability curve.

    Args:
        record: What the result says.
        x: Where its mean probability stands; None where the bin is empty.
        y: Where its accuracy stands; None where the bin is empty.
        bar_x: Where its bar of the counts begins.
        bar_width: How wide the bar is.
        bar_y: Where the bar ends.
    """

    record: ReliabilityBin
    x: float | None
    y: float | None
    bar_x: float
    bar_width: float
    bar_y: float


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Probability of the answered country against how often it is right, with counts below.

    Args:
        chart: The frame of the curve.
        counts: Scale of the bars.
        line: Through the bins that hold photographs.
        bins: All bins.
        most: Photographs of the fullest bin.
    """

    chart: Chart
    counts: Scale
    line: Line
    bins: tuple[Bin, ...]
    most: int


@dataclass(frozen=True, slots=True)
class CoverageCurve:
    """Accuracy when only probable answers are given.

    Args:
        chart: The frame.
        line: The curve.
        points: Some of its points, for a table.
    """

    chart: Chart
    line: Line
    points: tuple[CoveragePoint, ...]


def error_curve(result: Result, answers: Answers) -> ErrorCurve | None:
    """The cumulative error curve with the ceilings of the protocol.

    Args:
        result: Of an evaluation.
        answers: Its predictions.

    Returns:
        The curve, or None where no photograph has an error; ceilings are there where the
        predictions have their columns.
    """
    chart = distance_chart(
        "error, km (logarithmic)", "photographs within, %", low_km=_LOW_KM, high_km=_HIGH_KM
    )
    errors = answers.distance_km[~np.isnan(answers.distance_km)]
    if not len(errors):
        return None
    columns = {"this result": errors} | {
        label: answers.reachable_km(name) for name, label in CEILING_COLUMNS.items()
    }
    columns = {label: values for label, values in columns.items() if len(values)}
    grid = np.geomspace(_LOW_KM, _HIGH_KM, _STEPS)
    lines = tuple(
        Line(
            label,
            chart.path(
                list(zip(grid.tolist(), cumulative_shares(values, grid).tolist(), strict=True))
            ),
            style,
        )
        for style, (label, values) in enumerate(columns.items())
    )
    radii = np.array(RADII_KM, dtype=np.float64)
    shares = np.stack([cumulative_shares(values, radii) for values in columns.values()], axis=1)
    return ErrorCurve(
        chart,
        lines,
        tuple(
            _radius(result, chart, radius, tuple(at.tolist()))
            for radius, at in zip(RADII_KM, shares, strict=True)
        ),
    )


def _radius(result: Result, chart: Chart, km: int, lines: tuple[float, ...]) -> Radius:
    estimate = result.values.get(f"within_{km}km")
    share = None if estimate is None else estimate.value
    low, high = (None, None) if estimate is None else (estimate.low, estimate.high)
    return Radius(
        km,
        chart.x.at(km),
        share,
        chart.y.at(lines[0] if share is None else share),
        None if low is None else chart.y.at(low),
        None if high is None else chart.y.at(high),
        lines,
    )


def reliability_curve(bins: Sequence[ReliabilityBin]) -> ReliabilityCurve | None:
    """The reliability of the countries' probabilities.

    Args:
        bins: Of a result.

    Returns:
        The curve, or None where no bin holds a photograph.
    """
    most = max((record.n for record in bins), default=0)
    if most == 0:
        return None
    chart = share_chart("probability of the answer, %", "right country, %", bottom=200.0)
    counts = Scale(0.0, float(most), 254.0, 212.0)
    points = [
        (record.confidence, record.accuracy)
        for record in bins
        if record.confidence is not None and record.accuracy is not None
    ]
    return ReliabilityCurve(
        chart,
        counts,
        Line("this result", chart.path(points), 0),
        tuple(_bin(record, chart, counts) for record in bins),
        most,
    )


def _bin(record: ReliabilityBin, chart: Chart, counts: Scale) -> Bin:
    left, right = chart.x.at(record.low), chart.x.at(record.high)
    return Bin(
        record,
        None if record.confidence is None else chart.x.at(record.confidence),
        None if record.accuracy is None else chart.y.at(record.accuracy),
        left + 1,
        max(right - left - 2, 1.0),
        counts.at(record.n),
    )


def coverage_curve(points: Sequence[CoveragePoint]) -> CoverageCurve | None:
    """Accuracy against coverage when improbable answers are withheld.

    Args:
        points: Of a result.

    Returns:
        The curve, or None without points.
    """
    if not points:
        return None
    ordered = sorted(points, key=lambda point: point.coverage)
    chart = share_chart("photographs answered, %", "right country among these, %")
    chosen = _spread(ordered, _POINTS)
    line = chart.path([(point.coverage, point.accuracy) for point in chosen])
    return CoverageCurve(chart, Line("this result", line, 0), tuple(_tenths(ordered)))


def _spread(points: Sequence[CoveragePoint], count: int) -> list[CoveragePoint]:
    """All points, or evenly taken ones."""
    places = np.unique(np.linspace(0, len(points) - 1, min(count, len(points))).round())
    return [points[int(place)] for place in places]


def _tenths(points: Sequence[CoveragePoint]) -> list[CoveragePoint]:
    """The points that are nearest to 10, 20, ... 100 % of the photographs, each once."""
    nearest = [
        min(points, key=lambda point: abs(point.coverage - tenth / 10)) for tenth in range(1, 11)
    ]
    return list(dict.fromkeys(nearest))
