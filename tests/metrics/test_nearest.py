"""The nearest place by a tree is the nearest by comparing with all."""

import haversine
import numpy as np
import pytest

from streetclip.metrics.nearest import nearest_in_group_km, nearest_km


def random_points(seed: int, n: int) -> np.ndarray:
    share = np.random.default_rng(seed).random((n, 2))
    return np.asarray(share * [180.0, 360.0] - [90.0, 180.0])


@pytest.mark.parametrize("radius_km", [6371.0088, 6378.137])
def test_the_nearest_place_is_that_of_a_comparison_with_all(radius_km: float) -> None:
    points, places = random_points(0, 50), random_points(1, 40)
    angles = haversine.haversine_vector(points, places, haversine.Unit.RADIANS, comb=True)
    expected = np.asarray(angles).min(axis=0) * radius_km
    np.testing.assert_allclose(
        nearest_km(points, places, radius_km=radius_km), expected, rtol=1e-9, atol=1e-6
    )


def test_the_nearest_place_may_lie_over_the_antimeridian() -> None:
    found = nearest_km(np.array([[0.0, 179.9]]), np.array([[0.0, -179.9], [0.0, 178.0]]))
    assert found[0] == pytest.approx(haversine.haversine((0.0, 0.0), (0.0, 0.2)))


def test_only_places_of_the_own_group_count() -> None:
    points = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [np.nan, np.nan]])
    places = np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]])
    found = nearest_in_group_km(points, ["A", "B", "C", "A"], places, ["A", "B", "B"])
    degree = haversine.haversine((0.0, 0.0), (0.0, 1.0))
    np.testing.assert_allclose(found, [degree, 2 * degree, np.nan, np.nan])


def test_without_places_or_points_nothing_is_near() -> None:
    nowhere = np.empty((0, 2))
    assert np.isnan(nearest_km(np.zeros((2, 2)), nowhere)).all()
    assert len(nearest_km(nowhere, np.zeros((2, 2)))) == 0
    assert np.isnan(nearest_in_group_km(np.zeros((1, 2)), [None], np.zeros((1, 2)), ["A"])).all()
