"""The nearest town against a search over all of them."""

import haversine
import numpy as np
import pytest

from streetclip.geo.towns import NO_TOWN, TownIndex


def test_the_nearest_town_is_that_of_a_full_search_within_the_country() -> None:
    random = np.random.default_rng(0)
    towns = np.stack([random.uniform(-40, 40, 300), random.uniform(-60, 60, 300)], axis=1)
    country = random.integers(0, 5, 300)
    points = np.stack([random.uniform(-40, 40, 60), random.uniform(-60, 60, 60)], axis=1)
    asked = random.integers(0, 5, 60)
    row, distance_km = TownIndex(towns, country).nearest(points, asked)
    answered = 0
    for i in range(60):
        own = np.flatnonzero(country == asked[i])
        away = [haversine.haversine(tuple(points[i]), tuple(towns[j])) for j in own]
        if min(away) > 500:
            assert row[i] == NO_TOWN
            assert np.isnan(distance_km[i])
            continue
        answered += 1
        assert row[i] == own[int(np.argmin(away))]
        assert distance_km[i] == pytest.approx(min(away), rel=1e-9)
    assert 10 < answered < 60


def test_a_country_without_towns_gives_none() -> None:
    index = TownIndex(np.array([[10.0, 10.0]]), np.array([3]))
    row, distance_km = index.nearest(np.array([[10.0, 10.0], [10.0, 10.0]]), np.array([-1, 3]))
    assert row.tolist() == [NO_TOWN, 0]
    assert np.isnan(distance_km[0])
    assert distance_km[1] == 0.0
