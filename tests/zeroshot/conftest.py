"""A small gazetteer and protocols over it, for tests of decoding."""

import csv
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.protocol import CitySelection, Protocol, load_protocol

ROWS = [
    # id, name, country, region, latitude, longitude, population
    (1, "Paris", "FR", "Île-de-France", 48.85, 2.35, 2_000_000),
    (2, "Boulogne", "FR", "Île-de-France", 48.84, 2.24, 1_900_000),
    (3, "Lyon", "FR", "Auvergne", 45.76, 4.84, 500_000),
    (4, "Springfield", "US", "Illinois", 39.80, -89.64, 900),
    (5, "Springfield", "US", "Missouri", 37.21, -93.29, 800),
    (6, "Boston", "US", "Massachusetts", 42.36, -71.06, 700),
    (7, "Singapore", "SG", "", 1.29, 103.85, 5_600_000),
]


@pytest.fixture(scope="session")
def towns() -> Gazetteer:
    """Seven towns of three countries."""
    columns = list(zip(*ROWS, strict=True))
    return Gazetteer(
        id=np.array(columns[0], dtype=np.int64),
        name=np.array(columns[1], dtype=object),
        country=np.array(columns[2], dtype=object),
        region=np.array(columns[3], dtype=object),
        latitude=np.array(columns[4]),
        longitude=np.array(columns[5]),
        population=np.array(columns[6], dtype=np.int64),
    )


@pytest.fixture(scope="session")
def shipped_candidates() -> Callable[[str], Candidates]:
    """The candidates of a shipped protocol, made once."""
    return cache(lambda name: build_candidates(load_protocol(name)))


@pytest.fixture(scope="session")
def small_protocol() -> Callable[..., Protocol]:
    """Makes a protocol over the small gazetteer, but for what the arguments say."""

    def make(**changes: Any) -> Protocol:
        given: dict[str, Any] = {
            "name": "small",
            "description": "",
            "countries": ("FR", "SG", "US"),
            "all_countries": False,
            "country_prompts": ("In {country}.",),
            "city_prompts": ("Near {city}[ in {region}] in {country}.",),
            "cities": CitySelection(unique_names=False),
        }
        return Protocol(**given | changes)

    return make


@pytest.fixture(scope="session")
def write_cities() -> Callable[[Path, Sequence[Sequence[object]]], Path]:
    """Writes (name, latitude, longitude, country, code, region, population) as SimpleMaps does."""
    header = ("city", "city_ascii", "lat", "lng", "country", "iso2", "iso3", "admin_name")

    def write(path: Path, rows: Sequence[Sequence[object]]) -> Path:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow((*header, "capital", "population", "id"))
            for number, row in enumerate(rows):
                name, latitude, longitude, country, code, region, population = row
                place = (latitude, longitude, country, code, "", region, "", population)
                table.writerow((name, name, *place, 1_000 + number))
        return path

    return write
