"""Coordinates that nobody can be at are named by row."""

import numpy as np
import pytest

from streetclip.errors import PlaceError
from streetclip.geo.points import checked_points


def test_numbers_lists_and_arrays_are_taken() -> None:
    assert checked_points(1, 2.0).tolist() == [[1.0, 2.0]]
    assert checked_points([1.0, -90.0], (2.0, 180.0)).tolist() == [[1.0, 2.0], [-90.0, 180.0]]
    single = np.array([1.5], dtype=np.float32)
    assert checked_points(single, single).dtype == np.float64
    assert checked_points([], []).shape == (0, 2)


def test_impossible_latitudes_are_named_by_row() -> None:
    with pytest.raises(PlaceError, match=r"2 of 3 points .* latitude; got: row 1: 95, row 2: nan"):
        checked_points([0.0, 95.0, float("nan")], [0.0, 0.0, 0.0])


def test_impossible_longitudes_are_named_by_row() -> None:
    with pytest.raises(PlaceError, match=r"longitude; got: row 0: 181; allowed: -180 to 180"):
        checked_points([0.0], [181.0])


def test_no_more_than_ten_rows_are_listed() -> None:
    with pytest.raises(PlaceError, match=r"12 of 12 points .* row 9: -91, \.\.\.; allowed"):
        checked_points([-91.0] * 12, [0.0] * 12)


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(PlaceError, match="do not belong together"):
        checked_points([1.0, 2.0], [1.0])
    with pytest.raises(PlaceError, match="do not belong together"):
        checked_points(np.zeros((2, 2)), np.zeros((2, 2)))
