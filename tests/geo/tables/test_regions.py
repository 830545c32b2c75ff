"""Areas take the names of the towns inside them."""

from typing import Any

import pytest
import shapely

from streetclip.geo.tables.regions import build_regions


def _area(west: float, east: float, code: str) -> dict[str, Any]:
    geometry = shapely.box(west, 0, east, 5).__geo_interface__
    return {"properties": {"iso_a2": code}, "geometry": geometry}


def _town(country: str, region: str, longitude: float) -> dict[str, Any]:
    return {"country": country, "region": region, "latitude": 2.5, "longitude": longitude}


def test_the_majority_names_an_area_and_areas_of_one_name_are_merged() -> None:
    features = [_area(0, 5, "FR"), _area(5, 10, "FR"), _area(10, 20, "FR")]
    towns = [
        *(_town("FR", "Rose", 1), _town("FR", "Rose", 2), _town("FR", "Iris", 3)),
        *(_town("FR", "Rose", 7), _town("FR", "Iris", 15)),
    ]
    rows = build_regions(features, towns)
    areas = {row["region"]: shapely.from_wkb(row["wkb"]).area for row in rows}
    assert areas == {"Rose": pytest.approx(50), "Iris": pytest.approx(50)}


def test_the_towns_decide_about_the_country_too() -> None:
    (row,) = build_regions([_area(0, 5, "RU")], [_town("UA", "Crimea", 1)])
    assert (row["country"], row["region"]) == ("UA", "Crimea")


def test_an_area_without_towns_keeps_its_country_and_has_no_name() -> None:
    rows = build_regions([_area(0, 5, "AQ"), _area(5, 9, "FR")], [_town("FR", "Iris", 6)])
    assert [(row["country"], row["region"]) for row in rows] == [("AQ", ""), ("FR", "Iris")]


def test_neighbors_keep_their_common_edge_when_simplified() -> None:
    zigzag = [(5 + 0.001 * (i % 2), i / 100) for i in range(501)]
    west = shapely.Polygon([(0, 0), *zigzag, (0, 5)])
    east = shapely.Polygon([(10, 0), *zigzag, (10, 5)])
    features = [
        {"properties": {"iso_a2": "FR"}, "geometry": shape.__geo_interface__}
        for shape in (west, east)
    ]
    rows = build_regions(features, [_town("FR", "Rose", 1), _town("FR", "Iris", 8)])
    first, second = (shapely.from_wkb(row["wkb"]) for row in rows)
    assert len(first.exterior.coords) < 30
    assert first.intersection(second).area == pytest.approx(0, abs=1e-9)
    assert first.union(second).area == pytest.approx(50, abs=1e-6)
