"""Lines on maps are the shortest ways, and end at the edge of the map."""

from itertools import pairwise

import haversine
import numpy as np
import pytest

from streetclip.report.arcs import great_circle


def test_a_great_circle_is_the_shortest_way() -> None:
    start, end = np.array([40.6, -73.8]), np.array([35.5, 139.8])
    pieces = great_circle(start, end)
    # A cut adds two points that stand for one.
    length = sum(haversine.haversine(a, b) for piece in pieces for a, b in pairwise(piece[:, ::-1]))
    assert length == pytest.approx(haversine.haversine(start, end), rel=1e-4)


def test_a_line_over_the_antimeridian_is_cut_at_both_edges() -> None:
    east, west = great_circle(np.array([10.0, 170.0]), np.array([-20.0, -160.0]))
    assert (east[-1, 0], west[0, 0]) == (180.0, -180.0)
    assert east[-1, 1] == west[0, 1]
    assert -20.0 < east[-1, 1] < 10.0
    for piece in (east, west):
        assert np.abs(np.diff(piece[:, 0])).max() < 10


def test_a_line_westward_is_cut_the_other_way_round() -> None:
    west, east = great_circle(np.array([0.0, -170.0]), np.array([0.0, 170.0]))
    assert (west[-1, 0], east[0, 0]) == (-180.0, 180.0)


def test_a_line_from_the_very_edge_has_no_jump() -> None:
    for start in (180.0, -180.0):
        pieces = great_circle(np.array([0.0, start]), np.array([30.0, 170.0]))
        assert all(np.abs(np.diff(piece[:, 0])).max() < 180 for piece in pieces)
        assert all(np.isfinite(piece).all() for piece in pieces)


def test_a_line_over_the_pole_stays_on_the_map() -> None:
    pieces = great_circle(np.array([70.0, 10.0]), np.array([70.0, -171.0]))
    points = np.concatenate(pieces)
    assert points[:, 1].max() > 89.0
    assert np.abs(points[:, 0]).max() <= 180.0


@pytest.mark.parametrize("end", [(10.0, 20.0), (-10.0, -160.0), (np.nan, np.nan)])
def test_equal_points_antipodes_and_unknown_points_have_no_line(end: tuple[float, float]) -> None:
    assert great_circle(np.array([10.0, 20.0]), np.array(end)) == []


def test_points_that_are_close_are_joined() -> None:
    (line,) = great_circle(np.array([10.0, 20.0]), np.array([10.001, 20.0]))
    assert line[-1].tolist() == pytest.approx([20.0, 10.001])
