"""Distances against the package `haversine` and against what one can check by hand."""

import haversine
import numpy as np
import pytest

from streetclip.geo.distance import EARTH_RADIUS_KM, chord_to_km, haversine_km, unit_vectors


def _random_points(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.stack([random.uniform(-90, 90, count), random.uniform(-180, 180, count)], axis=1)


def test_distances_equal_those_of_the_package_haversine() -> None:
    a, b = _random_points(500, 1), _random_points(500, 2)
    expected = [haversine.haversine(tuple(p), tuple(q)) for p, q in zip(a, b, strict=True)]
    np.testing.assert_allclose(haversine_km(a, b), expected, rtol=1e-9)


def test_one_point_broadcasts_against_many() -> None:
    many = _random_points(7, 3)
    together = haversine_km(many[0], many)
    assert together.shape == (7,)
    assert together[0] == 0.0
    np.testing.assert_allclose(together[3], haversine_km(many[0], many[3]))


def test_a_matrix_of_distances_is_symmetric() -> None:
    points = _random_points(6, 4)
    matrix = haversine_km(points[:, None], points[None, :])
    assert matrix.shape == (6, 6)
    np.testing.assert_allclose(matrix, matrix.T)


@pytest.mark.parametrize(
    ("a", "b", "share_of_circumference"),
    [
        ((0.0, 0.0), (0.0, 180.0), 0.5),
        ((90.0, 17.0), (-90.0, -99.0), 0.5),
        ((0.0, 179.0), (0.0, -179.0), 2 / 360),
        ((45.0, 10.0), (46.0, 10.0), 1 / 360),
    ],
)
def test_arcs_that_one_can_count_in_degrees(
    a: tuple[float, float], b: tuple[float, float], share_of_circumference: float
) -> None:
    around = 2 * np.pi * EARTH_RADIUS_KM
    measured = float(haversine_km(np.array(a), np.array(b)))
    assert measured == pytest.approx(around * share_of_circumference, rel=1e-9)


def test_unit_vectors_have_length_one_and_chords_give_the_same_distance() -> None:
    a, b = _random_points(300, 5), _random_points(300, 6)
    first, second = unit_vectors(a), unit_vectors(b)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1.0)
    chord = np.linalg.norm(first - second, axis=1)
    np.testing.assert_allclose(chord_to_km(chord), haversine_km(a, b), rtol=1e-6)
