"""Values by continent, against a table that one can count by hand."""

from typing import Any

import pytest
from tests.plainresult import result_of

from streetclip.evaluation.continents import by_continent
from streetclip.evaluation.result import Result
from streetclip.geo.countries import countries

# True country, predicted country, distance in km.
ROWS = [
    *[("FR", "FR", 10.0)] * 3,
    *[("RU", "KZ", 900.0)] * 1,
    *[("KE", "KE", 50.0)] * 2,
    *[("TR", "GR", 400.0)] * 5,
    (None, "FR", 1.0),
    ("ZZ", "FR", 1.0),
]


@pytest.fixture
def result() -> Result:
    return result_of([_row(*row) for row in ROWS], resamples=50, unknown_country=1)


def _row(true: str | None, predicted: str, distance_km: float) -> dict[str, Any]:
    return {
        "true_country": true,
        "predicted_country": predicted,
        "distance_km": distance_km,
        "true_region": None,
    }


def test_each_continent_is_counted_by_itself(result: Result) -> None:
    table = by_continent(result)
    assert list(table) == ["Africa", "Asia", "Europe"]
    found = {
        continent: (values["country_accuracy"].value, values["median_km"].value)
        for continent, values in table.items()
    }
    assert found == {"Africa": (1.0, 50.0), "Asia": (0.0, 400.0), "Europe": (0.75, 10.0)}
    assert {name: values["country_accuracy"].n for name, values in table.items()} == {
        "Africa": 2,
        "Asia": 5,
        "Europe": 4,
    }


def test_values_have_intervals_that_hold_them(result: Result) -> None:
    europe = by_continent(result)["Europe"]["country_accuracy"]
    assert europe.low is not None
    assert europe.high is not None
    assert europe.low < 0.75 < europe.high


def test_every_country_belongs_to_a_continent() -> None:
    known = {"Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"}
    assert {country.continent for country in countries().values()} == known
