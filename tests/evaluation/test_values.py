"""What each photograph contributes to each value."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.values import STATISTICS, columns_of, measure

RIGHT = {"true_country": "FR", "predicted_country": "FR", "distance_km": 25.0}
RIGHT |= {"true_region": "Bretagne", "predicted_region": "bretagne"}


def column(name: str, *rows: dict[str, Any], inclusive: bool = True) -> list[float]:
    table = pa.Table.from_pylist([RIGHT | row for row in rows], schema=SCHEMA)
    return [float(value) for value in columns_of(table, inclusive=inclusive)[name]]


def test_a_region_is_right_only_in_the_right_country() -> None:
    rows: list[dict[str, Any]] = [
        {},
        {"predicted_country": "GB"},
        {"predicted_region": None},
        {"true_region": None},
    ]
    expected = [1.0, 0.0, 0.0, float("nan")]
    np.testing.assert_equal(column("region_accuracy", *rows), expected)


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
