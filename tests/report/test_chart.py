"""Values stand where their scale puts them."""

import re

import numpy as np
import pytest

from streetclip.report.chart import (
    HEIGHT,
    WIDTH,
    Scale,
    cumulative_shares,
    distance_chart,
    share_chart,
)


@pytest.mark.parametrize(
    ("value", "place"), [(1.0, 0.0), (10.0, 25.0), (1000.0, 75.0), (1e4, 100.0), (0.0, 0.0)]
)
def test_equal_ratios_take_equal_room_on_a_logarithmic_scale(value: float, place: float) -> None:
    assert Scale(1.0, 1e4, 0.0, 100.0, logarithmic=True).at(value) == pytest.approx(place)


def test_an_upward_axis_runs_against_the_canvas() -> None:
    scale = Scale(0.0, 1.0, 300.0, 20.0)
    assert (scale.at(0.0), scale.at(0.5), scale.at(1.0), scale.at(7.0)) == (300, 160, 20, 20)


def test_ticks_are_powers_of_ten_and_quarters() -> None:
    chart = distance_chart("x", "y", low_km=1.0, high_km=20_037.5)
    assert [tick.label for tick in chart.x_ticks] == ["1", "10", "100", "1,000", "10,000"]
    assert [tick.label for tick in chart.y_ticks] == ["0", "25", "50", "75", "100"]


def test_paths_stay_on_the_canvas_and_none_is_empty_of_points() -> None:
    chart = share_chart("x", "y")
    numbers = re.findall(r"-?[0-9.]+", chart.path([(0.0, 0.0), (1.0, 1.0), (5.0, -3.0)]))
    xs, ys = [float(n) for n in numbers[::2]], [float(n) for n in numbers[1::2]]
    assert all(0 <= x <= WIDTH for x in xs)
    assert all(0 <= y <= HEIGHT for y in ys)
    assert xs[-1] == xs[1] > xs[0]
    assert chart.path([]) == ""


def test_shares_count_equal_values() -> None:
    values = np.array([5.0, 1.0, np.inf, 5.0])
    shares = cumulative_shares(values, np.array([0.5, 1.0, 5.0, 1e9]))
    assert shares.tolist() == [0.0, 0.25, 0.75, 0.75]
    assert np.isnan(cumulative_shares(np.empty(0), np.array([1.0]))).all()
