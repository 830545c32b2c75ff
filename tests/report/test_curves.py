"""Curves say what the numbers say."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.calibration import CoveragePoint, ReliabilityBin
from streetclip.evaluation.result import Result
from streetclip.report.answers import Answers
from streetclip.report.curves import coverage_curve, error_curve, reliability_curve


def heights(path: str) -> list[float]:
    return [float(y) for y in re.findall(r"[ML][0-9.]+ ([0-9.]+)", path)]


def with_column(result: Result, name: str, values: list[float | None]) -> Result:
    table = result.predictions
    place = table.schema.get_field_index(name)
    column = pa.array(values, pa.float64())
    return replace(result, predictions=table.set_column(place, name, column))


def test_the_error_curve_rises_from_the_first_to_all(make_result: Callable[..., Result]) -> None:
    result = make_result(20)
    curve = error_curve(result, Answers(result.predictions))
    assert curve is not None
    (line,) = curve.lines
    assert heights(line.path) == sorted(heights(line.path), reverse=True)
    assert heights(line.path)[-1] == curve.chart.top
    assert [radius.km for radius in curve.radii] == [1, 25, 200, 750, 2500]
    for radius in curve.radii:
        assert radius.share == pytest.approx(radius.lines[0])


def test_a_ceiling_is_drawn_where_the_predictions_tell_it(
    make_result: Callable[..., Result],
) -> None:
    result = with_column(make_result(4), "nearest_km", [10.0, 10.0, 10.0, 300.0])
    curve = error_curve(result, Answers(result.predictions))
    assert curve is not None
    assert [line.label for line in curve.lines] == [
        "this result",
        "ceiling, nearest candidate of all",
    ]
    assert [radius.lines[1] for radius in curve.radii] == [0.0, 0.75, 0.75, 1.0, 1.0]


def test_marks_stand_at_the_values_of_the_result_with_their_intervals(
    make_result: Callable[..., Result],
) -> None:
    result = make_result(values={"within_25km": Estimate(0.5, 20, 0.25, 0.75)})
    curve = error_curve(result, Answers(result.predictions))
    assert curve is not None
    radius = curve.radii[1]
    scale = curve.chart.y
    assert (radius.y, radius.low, radius.high) == (scale.at(0.5), scale.at(0.25), scale.at(0.75))
    assert curve.radii[0].low is None


def test_without_any_error_there_is_no_curve(make_result: Callable[..., Result]) -> None:
    result = with_column(make_result(2), "distance_km", [None, None])
    assert error_curve(result, Answers(result.predictions)) is None


def test_reliability_skips_empty_bins_and_counts_all() -> None:
    bins = (
        ReliabilityBin(0.0, 0.5, 0, None, None),
        ReliabilityBin(0.5, 0.75, 30, 0.6, 0.5),
        ReliabilityBin(0.75, 1.0, 60, 0.9, 1.0),
    )
    curve = reliability_curve(bins)
    assert curve is not None
    assert len(heights(curve.line.path)) == 2
    assert curve.most == 60
    empty, half, full = curve.bins
    assert (empty.x, empty.y) == (None, None)
    assert full.bar_y == curve.counts.end
    assert half.bar_y == (curve.counts.start + curve.counts.end) / 2
    assert empty.bar_y == curve.counts.start
    assert reliability_curve(()) is None
    assert reliability_curve(bins[:1]) is None


def test_coverage_is_drawn_in_order_and_tabled_in_tenths() -> None:
    rng = np.random.default_rng(0)
    shares = rng.permutation(np.arange(1, 1001) / 1000).tolist()
    points = [CoveragePoint(share, 1 - share / 2, 1 - share) for share in shares]
    curve = coverage_curve(points)
    assert curve is not None
    assert [point.coverage for point in curve.points] == [n / 10 for n in range(1, 11)]
    assert heights(curve.line.path) == sorted(heights(curve.line.path))
    assert len(heights(curve.line.path)) == 200
    assert coverage_curve(()) is None


def test_few_points_are_tabled_once() -> None:
    curve = coverage_curve([CoveragePoint(0.5, 1.0, 0.9), CoveragePoint(1.0, 0.5, 0.0)])
    assert curve is not None
    assert [point.coverage for point in curve.points] == [0.5, 1.0]
