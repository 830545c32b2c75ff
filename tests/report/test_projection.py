"""The projection keeps areas, and has the shape that its authors give."""

from itertools import pairwise

import numpy as np
import pytest

from streetclip.report.projection import equal_earth, on_canvas


def area(west: float, south: float, east: float, north: float) -> float:
    """Of a field of the Earth in the plane, by the shoelace formula over many points."""
    step = np.linspace(0.0, 1.0, 400)[:, None]
    corners = np.array([[west, south], [east, south], [east, north], [west, north], [west, south]])
    edge = np.concatenate([a + step * (b - a) for a, b in pairwise(corners)])
    x, y = equal_earth(edge).T
    return float(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2)


@pytest.mark.parametrize(
    "field", [(0, 0, 10, 10), (-170, 60, -150, 75), (100, -50, 180, -10), (-180, -90, 180, 90)]
)
def test_areas_are_those_of_the_sphere(field: tuple[float, float, float, float]) -> None:
    west, south, east, north = field
    sphere = np.radians(east - west) * (np.sin(np.radians(north)) - np.sin(np.radians(south)))
    assert area(*field) == pytest.approx(sphere, rel=2e-4)


def test_the_width_is_twice_the_height_and_a_little_more() -> None:
    # The authors give a ratio of 2.05458 to 1.
    corners = equal_earth(np.array([[180.0, 0.0], [0.0, 90.0]]))
    assert corners[0, 0] / corners[1, 1] == pytest.approx(2.05458, abs=1e-5)


def test_the_poles_are_lines_of_a_little_more_than_half_the_equator() -> None:
    # The authors give 0.59247.
    pole, equator = equal_earth(np.array([[180.0, 90.0], [180.0, 0.0]]))
    assert pole[0] / equator[0] == pytest.approx(0.59247, abs=1e-5)


def test_north_is_up_and_the_canvas_is_full() -> None:
    points = np.array([[-180.0, 0.0], [180.0, 0.0], [0.0, 90.0], [0.0, -90.0]])
    canvas = on_canvas(points, 4000)
    assert canvas[0].tolist() == [0, 973]
    assert canvas[1].tolist() == [4000, 973]
    assert canvas[2].tolist() == [2000, 0]
    assert canvas[3].tolist() == [2000, 1947]
