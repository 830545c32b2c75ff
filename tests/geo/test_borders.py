"""Outlines for maps: known areas, no bands, enclaves on top."""

import numpy as np
import shapely

from streetclip.geo.borders import country_outlines
from streetclip.geo.countries import countries


def test_outlines_are_closed_rings_of_known_countries() -> None:
    outlines = country_outlines()
    assert len(outlines) > 230
    assert {code for code, _ in outlines} <= set(countries())
    for _, rings in outlines:
        assert rings
        assert all(np.array_equal(ring[0], ring[-1]) and len(ring) >= 4 for ring in rings)


def test_no_ring_runs_across_the_antimeridian() -> None:
    for code, rings in country_outlines():
        for ring in rings:
            assert np.abs(ring[:, 0]).max() <= 180.0
            jump = np.abs(np.diff(ring[:, 0])).max()
            assert jump < 90 or code == "AQ", code  # the pole itself is one long edge


def test_an_enclave_is_drawn_after_what_surrounds_it() -> None:
    order = [code for code, _ in country_outlines()]
    assert order.index("LS") > order.index("ZA")
    assert order.index("SM") > order.index("IT")


def test_capitals_lie_inside_their_outline() -> None:
    outlines = dict(country_outlines())
    for code, longitude, latitude in [
        ("FR", 2.35, 48.85),
        ("BR", -47.9, -15.8),
        ("RU", 37.6, 55.7),
    ]:
        shape = shapely.MultiPolygon([shapely.Polygon(ring) for ring in outlines[code]])
        assert shape.contains(shapely.Point(longitude, latitude))


def test_the_map_is_small_enough_to_be_drawn_quickly() -> None:
    assert sum(len(ring) for _, rings in country_outlines() for ring in rings) < 30_000
