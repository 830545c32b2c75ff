"""All numbers of one table of predictions follow from it alone."""

from typing import Any

import pyarrow as pa
import pytest

from streetclip.evaluation.numbers import Numbers, numbers_of
from streetclip.evaluation.predictions import SCHEMA
from streetclip.zeroshot.protocol import Distance

ROWS: list[dict[str, Any]] = [
    {
        "true_latitude": 0.0,
        "true_longitude": float(number),
        "distance_km": 25.0 * (number % 4),
        "true_country": "FR",
        "predicted_country": "FR" if number % 4 < 2 else "DE",
        "country_probability": 1.0 - (number % 4) / 8,
        "country_asked": True,
        "top_countries": ["DE", "FR"],
        "top_probabilities": [0.75, 0.25],
        "nearest_km": 1.0,
        "nearest_in_country_km": 30.0,
    }
    for number in range(40)
]


def measured(rows: list[dict[str, Any]], **options: Any) -> Numbers:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    given = {"distance": Distance(), "resamples": 100, **options}
    return numbers_of(table, **given)


def test_definitions_of_the_protocol_are_followed() -> None:
    plain = measured(ROWS)
    strict = measured(ROWS, distance=Distance(inclusive=False, geoscore_rounded=True))
    assert plain.values["within_25km"].value == 0.5
    assert strict.values["within_25km"].value == 0.25
    # 5000, 4917, 4835 and 4755 are the scores of 0, 25, 50 and 75 km.
    assert strict.values["geoscore"].value == (5000 + 4917 + 4835 + 4755) / 4
    assert plain.values["geoscore"].value != strict.values["geoscore"].value


def test_a_score_stands_under_its_ceiling() -> None:
    numbers = measured(ROWS)
    assert numbers.ceilings["within_25km/nearest"].value == 1.0
    assert numbers.ceilings["within_25km/known_country"].value == 0.0
    assert numbers.ceilings["median_km/known_country"].value == 30.0


def test_countries_among_the_most_probable_are_counted() -> None:
    values = measured(ROWS, top_k=2).values
    shares = {name: values[name].value for name in values if name.startswith("country_top")}
    assert shares == {"country_top1": 0.0, "country_top2": 1.0, "country_top5": None}


def test_probabilities_are_compared_with_right_countries() -> None:
    numbers = measured(ROWS)
    assert [(row.n, row.accuracy) for row in numbers.reliability] == [
        (10, 0.0),
        (10, 0.0),
        (10, 1.0),
        (10, 1.0),
    ]
    # The gaps are 5/8, 6/8, 1/8 and 0.
    assert numbers.values["country_ece"].value == pytest.approx((5 + 6 + 1) / 8 / 4)
    # Answered one group after the other, the wrong shares are 0, 0, 1/3 and 1/2.
    assert numbers.values["country_aurc"].value == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert [point.accuracy for point in numbers.coverage] == pytest.approx([1, 1, 2 / 3, 1 / 2])


def test_clusters_are_drawn_together() -> None:
    # The photographs of a cluster are all alike, so that there are eight independent ones.
    clustered = [row | {"cluster": str(number % 8)} for number, row in enumerate(ROWS)]
    alone, together = measured(ROWS), measured(clustered)
    assert (alone.clusters, together.clusters) == (0, 8)
    for name in ("within_25km", "median_km", "geoscore", "country_accuracy"):
        narrow, wide = alone.values[name], together.values[name]
        assert (wide.value, wide.n) == (narrow.value, narrow.n)
        assert wide.high - wide.low > narrow.high - narrow.low  # type: ignore[operator]


def test_a_handful_of_clusters_gives_values_without_intervals() -> None:
    clustered = [row | {"cluster": str(number % 4)} for number, row in enumerate(ROWS)]
    alone, together = measured(ROWS), measured(clustered)
    assert together.clusters == 4
    for name, estimate in together.values.items():
        assert (estimate.value, estimate.n) == (alone.values[name].value, alone.values[name].n)
        assert (estimate.low, estimate.high) == (None, None)


def test_photographs_without_coordinates_count_for_the_country_alone() -> None:
    placeless = dict.fromkeys(
        ("true_latitude", "true_longitude", "distance_km", "nearest_km", "nearest_in_country_km")
    )
    numbers = measured([row | placeless for row in ROWS])
    for name in ("within_1km", "within_2500km", "median_km", "mean_km", "geoscore"):
        assert (numbers.values[name].value, numbers.values[name].n) == (None, 0)
    assert all(estimate.value is None for estimate in numbers.ceilings.values())
    assert (numbers.values["country_accuracy"].value, numbers.values["country_accuracy"].n) == (
        0.5,
        40,
    )


def test_some_photographs_without_coordinates_leave_the_others() -> None:
    numbers = measured([*ROWS[:4], ROWS[0] | {"distance_km": None}])
    assert (numbers.values["within_25km"].value, numbers.values["within_25km"].n) == (0.5, 4)
    assert numbers.values["median_km"].value == 37.5
    assert numbers.values["country_accuracy"].n == 5
