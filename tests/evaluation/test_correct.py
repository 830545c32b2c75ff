"""Which answers are right, row by row."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streetclip.evaluation.correct import (
    city_correct,
    country_among,
    country_correct,
    region_correct,
    truth_of,
)
from streetclip.evaluation.predictions import SCHEMA

NAN = float("nan")
RIGHT = {
    "true_country": "FR",
    "predicted_country": "FR",
    "true_region": "Bretagne",
    "predicted_region": "bretagne",
    "true_town": "Brest",
    "predicted_city": "BREST",
    "top_countries": ["FR", "BY", "GB"],
    "top_probabilities": [0.5, 0.3, 0.2],
}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([RIGHT | row for row in rows], schema=SCHEMA)


@pytest.mark.parametrize(
    ("change", "country", "region", "city"),
    [
        ({}, 1.0, 1.0, 1.0),
        ({"predicted_country": "BY"}, 0.0, 0.0, 0.0),
        ({"predicted_region": "Normandie"}, 1.0, 0.0, 0.0),
        ({"predicted_region": None}, 1.0, 0.0, 1.0),
        ({"true_region": None}, 1.0, NAN, 1.0),
        ({"predicted_city": "Rennes"}, 1.0, 1.0, 0.0),
        ({"true_town": None}, 1.0, 1.0, NAN),
        ({"true_country": None}, NAN, NAN, NAN),
        ({"true_country": None, "true_town": None}, NAN, NAN, NAN),
    ],
)
def test_an_answer_is_right_as_the_table_says(
    change: dict[str, Any], country: float, region: float, city: float
) -> None:
    rows = table(change)
    found = [float(f(rows)[0]) for f in (country_correct, region_correct, city_correct)]
    np.testing.assert_equal(found, [country, region, city])


def test_the_country_may_be_among_the_most_probable_ones() -> None:
    rows = table(
        {},
        {"true_country": "GB"},
        {"true_country": "DE"},
        {"true_country": None},
        {"top_countries": None},
    )
    np.testing.assert_equal(country_among(rows, 1), [1.0, 0.0, 0.0, NAN, NAN])
    np.testing.assert_equal(country_among(rows, 3), [1.0, 1.0, 0.0, NAN, NAN])


def test_the_most_probable_country_need_not_be_the_answer_that_stands_first() -> None:
    rows = table({"top_probabilities": [0.3, 0.5, 0.2]})
    assert country_among(rows, 1).tolist() == [0.0]
    assert country_among(rows, 2).tolist() == [1.0]


def test_five_of_three_countries_are_no_value() -> None:
    np.testing.assert_equal(country_among(table({}), 5), [NAN])


def test_null_becomes_nan() -> None:
    rows = table({"matched": True}, {"matched": None}, {"matched": False})
    np.testing.assert_equal(truth_of(rows, "matched"), [1.0, NAN, 0.0])
