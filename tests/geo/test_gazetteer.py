"""The gazetteer: its size and spelling, and lists of the largest towns against a slow search."""

from dataclasses import replace

import haversine
import numpy as np
import pytest

from streetclip.errors import PlaceError
from streetclip.geo.countries import countries
from streetclip.geo.gazetteer import Gazetteer, load_gazetteer


def _towns(*rows: tuple[str, str, float, float, int]) -> Gazetteer:
    """Towns of (name, country, latitude, longitude, population)."""
    name, country, latitude, longitude, population = zip(*rows, strict=True)
    return Gazetteer(
        id=np.arange(len(rows)) + 100,
        name=np.array(name, dtype=object),
        country=np.array(country, dtype=object),
        region=np.array([""] * len(rows), dtype=object),
        latitude=np.array(latitude, dtype=np.float64),
        longitude=np.array(longitude, dtype=np.float64),
        population=np.array(population, dtype=np.int64),
    )


def test_the_table_holds_the_places_of_the_world() -> None:
    towns = load_gazetteer()
    assert len(towns) == 234_908
    assert len(set(towns.id.tolist())) == len(towns)
    assert np.isfinite(towns.latlon).all()
    assert (towns.region != "").mean() > 0.997
    assert (np.abs(towns.latitude) <= 90).all()
    assert (np.abs(towns.longitude) <= 180).all()


def test_apostrophes_of_names_are_ascii() -> None:
    towns = load_gazetteer()
    text = "".join(towns.name.tolist() + towns.region.tolist())
    assert not set(text) & set("\u2018\u2019\u02bb\u02bc\u00b4\u0060")


def test_a_loaded_table_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_gazetteer().population[0] = 1


def test_one_hundred_and_sixty_six_countries_have_thirty_towns() -> None:
    towns = load_gazetteer()
    assert sum(len(towns.rows_of(code)) >= 30 for code in countries()) >= 166


@pytest.mark.parametrize("code", ["FR", "US", "VN", "NA"])
def test_largest_equals_a_search_that_one_can_read(code: str) -> None:
    towns = load_gazetteer()
    rows = [i for i in range(len(towns)) if towns.country[i] == code]
    rows.sort(key=lambda i: (-towns.population[i], towns.id[i]))
    expected: list[int] = []
    for i in rows:
        here = (towns.latitude[i], towns.longitude[i])
        far = all(
            haversine.haversine(here, (towns.latitude[j], towns.longitude[j])) >= 20.0
            for j in expected
        )
        if far and towns.name[i] not in {towns.name[j] for j in expected}:
            expected.append(i)
        if len(expected) == 30:
            break
    assert towns.largest(code, 30, spacing_km=20.0).tolist() == expected


def test_districts_of_a_city_are_passed_over_by_spacing() -> None:
    towns = load_gazetteer()
    crowded = {str(towns.name[i]) for i in towns.largest("US", 30)}
    spaced = {str(towns.name[i]) for i in towns.largest("US", 30, spacing_km=20.0)}
    assert {"Brooklyn", "Queens", "Manhattan"} <= crowded
    assert not {"Brooklyn", "Queens", "Manhattan"} & spaced


def test_a_name_is_taken_once_unless_the_caller_wants_more() -> None:
    towns = _towns(
        ("San José", "CR", 9.9, -84.1, 300), ("SAN JOSÉ", "CR", 10.9, -85.0, 200),
        ("Limón", "CR", 10.0, -83.0, 100),
    )  # fmt: skip
    assert towns.largest("CR", 3).tolist() == [0, 2]
    assert towns.largest("CR", 3, unique_names=False).tolist() == [0, 1, 2]


def test_equal_populations_are_ordered_by_identifier() -> None:
    towns = _towns(("B", "FR", 45.0, 1.0, 0), ("A", "FR", 46.0, 1.0, 0), ("C", "FR", 47.0, 1.0, 5))
    assert towns.largest("FR", 3).tolist() == [2, 0, 1]


def test_a_country_without_towns_has_no_largest() -> None:
    assert load_gazetteer().largest("AQ", 30, spacing_km=20.0).tolist() == []


def test_a_code_that_is_no_country_is_refused() -> None:
    with pytest.raises(PlaceError, match="there is no country 'fr'; allowed: ISO"):
        load_gazetteer().largest("fr", 3)


def test_regions_come_in_the_order_of_their_largest_towns() -> None:
    towns = replace(
        _towns(("A", "FR", 45.0, 1.0, 1), ("B", "FR", 46.0, 1.0, 3), ("C", "FR", 47.0, 1.0, 2)),
        region=np.array(["North", "South", ""], dtype=object),
    )
    assert towns.regions_of("FR") == ["South", "North"]
    assert towns.largest("FR", 3, region="North").tolist() == [0]
    assert towns.largest("FR", 3, region="West").tolist() == []


def test_an_order_of_its_own_decides_between_equal_populations() -> None:
    towns = _towns(("A", "FR", 45.0, 1.0, 0), ("B", "FR", 46.0, 1.0, 0))
    assert replace(towns, order=np.array([1, 0])).largest("FR", 2).tolist() == [1, 0]


def test_a_joined_table_has_the_rows_of_both() -> None:
    towns = _towns(("A", "FR", 45.0, 1.0, 1))
    joined = towns.joined(_towns(("B", "DE", 50.0, 9.0, 2), ("C", "FR", 46.0, 1.0, 3)))
    assert joined.name.tolist() == ["A", "B", "C"]
    assert joined.largest("FR", 5).tolist() == [2, 0]
