"""What training has shown of a photograph's place."""

from typing import Any

import haversine
import numpy as np
import pytest
import torch

from streetclip.evaluation.embedded import Embedded
from streetclip.evaluation.predictions import SCHEMA, SeenPlaces, rows_of, table_of
from streetclip.zeroshot.candidates import Candidates
from streetclip.zeroshot.hierarchy import Decoded

SEEN = SeenPlaces(frozenset({"FR", "SG"}), frozenset({"FR/Brittany/Brest", "SG//Singapore"}))


@pytest.mark.parametrize(
    ("country", "region", "town", "expected"),
    [
        ("FR", "Brittany", "Brest", (True, True)),
        ("FR", "Brittany", "Rennes", (True, False)),
        ("BY", "Brest", "Brest", (False, False)),
        ("SG", None, "Singapore", (True, True)),
        ("FR", "Brittany", None, (True, None)),
        (None, None, None, (None, None)),
    ],
)
def test_seen_places_are_told_by_country_and_whole_town(
    country: str | None, region: str | None, town: str | None, expected: tuple[object, object]
) -> None:
    given = {"country": country, "region": region, "town": town}
    assert SEEN.sees(given) == expected


def test_without_a_list_of_towns_only_countries_are_told() -> None:
    assert SeenPlaces(frozenset({"FR"})).sees({"country": "FR", "town": "Brest"}) == (True, None)


BREST = Candidates(
    country_codes=("FR",),
    country_prompts=(("France",),),
    city_id=np.array([1]),
    city_name=np.array(["Brest"], dtype=object),
    city_region=np.array(["Brittany"], dtype=object),
    country_index=np.array([0]),
    latlon=np.array([[48.39, -4.49]]),
    city_prompts=(("Brest",),),
)


def rows(*metadata: dict[str, Any], radius_km: float = 6371.0088) -> list[dict[str, Any]]:
    """All photographs are answered with Brest."""
    n = len(metadata)
    photographs = Embedded(
        index=tuple(range(n)),
        keys=tuple(f"{number:06d}" for number in range(n)),
        metadata=metadata,
        errors=(None,) * n,
        features=torch.zeros(n, 1),
        matched=(None,) * n,
    )
    zero, one = torch.zeros(n, dtype=torch.int64), torch.ones(n)
    decoded = Decoded(zero, zero, one, one, zero[:, None], one[:, None])
    return rows_of(photographs, decoded, BREST, seen=None, radius_km=radius_km)


def test_distances_are_measured_on_the_sphere_of_the_protocol() -> None:
    (row,) = rows({"latitude": 48.85, "longitude": 2.35}, radius_km=6378.137)
    angle = haversine.haversine((48.85, 2.35), (48.39, -4.49), haversine.Unit.RADIANS)
    assert row["distance_km"] == pytest.approx(angle * 6378.137)


def test_a_photograph_without_coordinates_has_a_country_and_no_distance() -> None:
    table, shared = table_of(rows({"country": "FR"}, {"country": "DE"}), "auto")
    assert shared == ""
    assert table.schema.equals(SCHEMA)
    assert table["distance_km"].to_pylist() == table["true_latitude"].to_pylist() == [None, None]
    assert table["country_asked"].to_pylist() == [True, False]


def test_photographs_of_one_place_become_a_cluster() -> None:
    here, there = ({"latitude": float(x), "longitude": 2.0} for x in (1, 3))
    table, shared = table_of(rows(here, there, here), "auto")
    assert shared == "place"
    names = table["cluster"].to_pylist()
    assert names[0] == names[2] == "place:1.0,2.0"
    assert names[1] is None
