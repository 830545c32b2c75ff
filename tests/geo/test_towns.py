"""The nearest town against a search over all of them."""

import haversine
import numpy as np
import pytest

from streetclip.geo.towns import NO_TOWN, TownIndex


def test_the_nearest_town_is_that_of_a_full_search_within_the_country() -> None:
    random = np.random.default_rng(0)
    towns = np.stack([random.uniform(-80, 80, 300), random.uniform(-180, 180, 300)], axis=1)
    country = random.integers(0, 5, 300)
    points = np.stack([random.uniform(-80, 80, 60), random.uniform(-180, 180, 60)], axis=1)
    asked = random.integers(0, 5, 60)
    row, distance_km = TownIndex(towns, country).nearest(points, asked)
    for i in range(60):
        own = np.flatnonzero(country == asked[i])
        away = [haversine.haversine(tuple(points[i]), tuple(towns[j])) for j in own]
        assert row[i] == own[int(np.argmin(away))]
        assert distance_km[i] == pytest.approx(min(away), rel=1e-9)


def test_a_country_without_towns_gives_none() -> None:
    index = TownIndex(np.array([[10.0, 10.0]]), np.array([3]))
    row, distance_km = index.nearest(np.array([[10.0, 10.0], [10.0, 10.0]]), np.array([-1, 3]))
    assert row.tolist() == [NO_TOWN, 0]
    assert np.isnan(distance_km[0])
    assert distance_km[1] == 0.0
