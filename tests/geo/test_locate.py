"""Points whose country, region and town one knows."""

import csv
from pathlib import Path

import numpy as np
import pytest

from streetclip.errors import PlaceError
from streetclip.geo.countries import countries
from streetclip.geo.gazetteer import load_gazetteer
from streetclip.geo.locate import locate, locate_country

BORDER_POINTS = Path(__file__).parent / "border_points.csv"


def _rows() -> list[dict[str, str]]:
    with BORDER_POINTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_points_of_the_border_list_are_in_the_right_country() -> None:
    rows = _rows()
    found = locate_country(
        [float(row["latitude"]) for row in rows], [float(row["longitude"]) for row in rows]
    )
    wrong = [
        (row["name"], row["country"], code)
        for row, code in zip(rows, found, strict=True)
        if row["country"] != code
    ]
    assert len(rows) >= 60
    assert len({row["country"] for row in rows}) >= 60
    assert wrong == []


@pytest.mark.parametrize(
    ("latitude", "longitude", "country", "region", "town"),
    [
        (48.8530, 2.3498, "FR", "Île-de-France", "Paris"),
        (40.7608, -111.8910, "US", "Utah", "Salt Lake City"),
        (-22.5594, 17.0832, "NA", "Khomas Region", "Windhoek"),
        (45.4372, 12.3346, "IT", "Veneto", "Venice"),
        (39.2998, -75.6047, "US", "Delaware", "Smyrna"),
    ],
)
def test_known_points_have_their_country_region_and_town(
    latitude: float, longitude: float, country: str, region: str, town: str
) -> None:
    found = locate(latitude, longitude)
    assert (found.country[0], found.region[0]) == (country, region)
    assert found.town[0] == town or found.town_distance_km[0] < 2
    gazetteer = load_gazetteer()
    assert gazetteer.name[found.town_row[0]] == found.town[0]
    assert gazetteer.country[found.town_row[0]] == country


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(0.0, -30.0), (56.0, 3.0), (46.5, -3.2), (14.0, 114.0), (-40.0, 100.0), (85.0, 0.0)],
)
def test_the_open_sea_has_no_country_region_or_town(latitude: float, longitude: float) -> None:
    found = locate(latitude, longitude)
    assert (found.country[0], found.region[0], found.town[0]) == (None, None, None)
    assert np.isnan(found.town_distance_km[0])
    assert found.town_row[0] == -1


@pytest.mark.parametrize(
    ("latitude", "longitude", "country"),
    [
        (34.0083, -118.4988, "US"),  # Santa Monica pier
        (51.5100, 0.7200, "GB"),  # the end of Southend pier
        (43.6800, 7.2900, "FR"),  # the bay of Nice
        (-33.8523, 151.2108, "AU"),  # Sydney harbor bridge
        (37.8200, -122.4780, "US"),  # Golden Gate bridge
    ],
)
def test_piers_bridges_and_bays_belong_to_the_coast(
    latitude: float, longitude: float, country: str
) -> None:
    assert locate_country(latitude, longitude).tolist() == [country]


def test_a_country_without_towns_is_found_all_the_same() -> None:
    found = locate([-80.0, -54.42], [20.0, 3.36])
    assert found.country.tolist() == ["AQ", "BV"]
    assert found.town.tolist() == [None, None]


@pytest.mark.parametrize(
    ("latitude", "longitude", "country"),
    [
        (25.17546623, 54.43283073, "AE"),  # the Gulf, off Abu Dhabi
        (16.50802154, -62.22568205, "MS"),  # 22 km southwest of Plymouth
        (10.25, 114.3, None),  # by the Tizard Bank, far from every outline
    ],
)
def test_outside_of_every_outline_the_nearest_within_25_km_decides(
    latitude: float, longitude: float, country: str | None
) -> None:
    assert locate_country(latitude, longitude).tolist() == [country]


def test_impossible_coordinates_are_refused() -> None:
    with pytest.raises(PlaceError, match="impossible latitude"):
        locate([0.0, 95.0], [0.0, 0.0])
    with pytest.raises(PlaceError, match="impossible longitude"):
        locate_country([0.0], [181.0])


def test_a_town_on_the_other_side_of_the_earth_is_no_answer() -> None:
    found = locate(10.3, -109.2)  # Clipperton
    assert (found.country[0], found.region[0], found.town[0]) == ("FR", None, None)
    assert np.isnan(found.town_distance_km[0])


def test_towns_are_found_at_their_own_coordinates() -> None:
    towns = load_gazetteer()
    rows = np.random.default_rng(0).choice(len(towns), 20_000, replace=False)
    found = locate(towns.latitude[rows], towns.longitude[rows])
    same = found.country == towns.country[rows]
    assert same.mean() >= 0.996
    named = towns.region[rows] != ""
    assert (found.region == towns.region[rows])[same & named].mean() >= 0.975
    assert (found.town_distance_km[same] < 0.001).all()


def test_the_country_alone_equals_that_of_the_full_answer() -> None:
    random = np.random.default_rng(1)
    latitude, longitude = random.uniform(-90, 90, 5000), random.uniform(-180, 180, 5000)
    found = locate(latitude, longitude)
    assert found.country.tolist() == locate_country(latitude, longitude).tolist()
    assert {code for code in found.country if code} <= set(countries())


def test_edges_of_the_map_are_allowed() -> None:
    assert locate_country([-90.0, 90.0, 0.0], [180.0, -180.0, 180.0]).tolist() == ["AQ", None, None]


def test_no_points_give_empty_arrays() -> None:
    found = locate([], [])
    assert len(found.country) == len(found.town_distance_km) == 0
