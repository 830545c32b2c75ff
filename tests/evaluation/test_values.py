"""What each photograph contributes to each value."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.values import STATISTICS, columns_of, measure, statistics

RIGHT = {"true_country": "FR", "predicted_country": "FR", "distance_km": 25.0}
RIGHT |= {"true_region": "Bretagne", "predicted_region": "bretagne"}


def column(name: str, *rows: dict[str, Any], inclusive: bool = True) -> list[float]:
    table = pa.Table.from_pylist([RIGHT | row for row in rows], schema=SCHEMA)
    return [float(value) for value in columns_of(table, inclusive=inclusive)[name]]


def test_an_unknown_country_counts_for_no_accuracy() -> None:
    rows: list[dict[str, Any]] = [{"true_country": None, "country_seen": None}]
    for name in ("country_accuracy", "region_accuracy", "country_accuracy_seen"):
        assert np.isnan(column(name, *rows)).all()
    assert column("within_25km", *rows) == [1.0]


def test_the_edge_of_a_radius_follows_the_protocol() -> None:
    assert column("within_25km", {}) == [1.0]
    assert column("within_25km", {}, inclusive=False) == [0.0]


def test_seen_and_unseen_countries_are_apart() -> None:
    rows: list[dict[str, Any]] = [
        {"country_seen": True},
        {"country_seen": False},
        {"country_seen": None},
    ]
    nan = float("nan")
    np.testing.assert_equal(column("country_accuracy_seen", *rows), [1.0, nan, nan])
    np.testing.assert_equal(column("country_accuracy_unseen", *rows), [nan, 1.0, nan])


@pytest.mark.parametrize("name", ["country_accuracy", "city_accuracy"])
def test_seen_and_unseen_towns_are_apart(name: str) -> None:
    here = {"true_town": "Brest", "predicted_city": "Brest"}
    rows: list[dict[str, Any]] = [
        here | {"town_seen": True},
        here | {"town_seen": False},
        here | {"town_seen": None},
    ]
    nan = float("nan")
    np.testing.assert_equal(column(f"{name}_seen_towns", *rows), [1.0, nan, nan])
    np.testing.assert_equal(column(f"{name}_unseen_towns", *rows), [nan, 1.0, nan])


def test_a_photograph_without_coordinates_counts_for_no_distance() -> None:
    rows: list[dict[str, Any]] = [{"distance_km": None}, {}]
    for name in ("within_1km", "within_2500km", "distance_km", "geoscore"):
        assert np.isnan(column(name, *rows)).tolist() == [True, False]
    assert column("country_accuracy", *rows) == [1.0, 1.0]


def test_scores_are_rounded_where_the_protocol_says_so() -> None:
    table = pa.Table.from_pylist([RIGHT], schema=SCHEMA)
    rounded = columns_of(table, geoscore_rounded=True)["geoscore"]
    assert rounded.tolist() == [4917.0]
    assert columns_of(table)["geoscore"].tolist() == [pytest.approx(4916.957, abs=1e-3)]


def test_more_countries_among_the_most_probable_can_be_asked_for() -> None:
    more = set(statistics(10)) - set(STATISTICS)
    assert more == {"country_top10"}
    assert list(statistics(1)) == list(STATISTICS)


def test_every_statistic_finds_its_columns() -> None:
    table = pa.Table.from_pylist([RIGHT, RIGHT], schema=SCHEMA)
    values = measure(table, resamples=10)
    assert list(values) == list(STATISTICS)
    assert values["median_km"].value == 25.0
    assert values["geoscore"].value == pytest.approx(5000 * np.exp(-25 / 1492.7))
    assert values["country_accuracy_harmonic"].value is None


def test_an_unknown_point_counts_for_no_distance() -> None:
    rows: list[dict[str, Any]] = [{"distance_km": None}, {}]
    for name in ("within_1km", "within_25km", "distance_km", "geoscore"):
        assert np.isnan(column(name, *rows)).tolist() == [True, False]
    assert column("country_accuracy", *rows) == [1.0, 1.0]
    table = pa.Table.from_pylist([RIGHT | row for row in rows], schema=SCHEMA)
    assert measure(table, resamples=10)["within_25km"].n == 1
