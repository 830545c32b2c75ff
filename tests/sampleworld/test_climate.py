"""Claims about climates, held against what everybody knows of these cities."""

import pytest

from streetclip.sampleworld.climate import CLIMATES, climate_at, is_dry, season
from streetclip.sampleworld.vegetation import CROWNS


@pytest.mark.parametrize(
    ("latitude", "longitude", "name"),
    [
        (30.0, 31.2, "desert"),  # Cairo
        (41.9, 12.5, "mediterranean"),  # Rome
        (51.5, -0.1, "oceanic"),  # London
        (55.8, 37.6, "continental"),  # Moscow
        (1.3, 103.8, "rainforest"),  # Singapore
        (-1.3, 36.8, "savanna"),  # Nairobi
        (-16.5, -68.1, "highland"),  # La Paz
        (62.0, 129.7, "boreal"),  # Yakutsk
        (69.6, 18.9, "tundra"),  # Tromso
        (51.2, 71.4, "continental"),  # Astana
        (29.8, -95.4, "subtropics"),  # Houston
    ],
)
def test_cities_have_the_climate_that_they_are_known_for(
    latitude: float, longitude: float, name: str
) -> None:
    assert climate_at(latitude, longitude).name == name


def test_every_tree_of_a_climate_can_be_drawn() -> None:
    trees = {tree for climate in CLIMATES.values() for tree in climate.trees}
    assert trees <= set(CROWNS)


def test_seasons_are_reversed_in_the_south() -> None:
    assert [season(50, month) for month in (1, 4, 7, 10)] == [
        "winter",
        "spring",
        "summer",
        "autumn",
    ]
    assert [season(-50, month) for month in (1, 4, 7, 10)] == [
        "summer",
        "autumn",
        "winter",
        "spring",
    ]
    assert season(50, 12) == season(50, 2) == "winter"
    assert season(-50, 12) == season(-50, 2) == "summer"


def test_summers_are_dry_around_the_mediterranean_and_winters_in_the_tropics() -> None:
    assert is_dry(38, 7)
    assert not is_dry(38, 1)
    assert is_dry(12, 1)
    assert is_dry(-12, 7)
