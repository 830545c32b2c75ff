"""Outlines for the eye: merged, without holes and islets, the largest first."""

from typing import Any

import pytest
import shapely

from streetclip.geo.tables.outlines import build_outlines


def _row(country: str, shape: Any) -> dict[str, Any]:
    return {"country": country, "region": "", "wkb": shapely.to_wkb(shape)}


def test_regions_are_merged_and_holes_and_islets_left_out() -> None:
    hole = shapely.box(2, 2, 4, 4)
    rows = [
        _row("SM", hole),
        _row("IT", shapely.box(0, 0, 5, 6).difference(hole)),
        _row("IT", shapely.box(5, 0, 9, 6)),
        _row("IT", shapely.box(20, 0, 20.1, 0.1)),
    ]
    outlines = build_outlines(rows)
    assert [row["country"] for row in outlines] == ["IT", "SM"]
    italy = shapely.from_wkb(outlines[0]["wkb"])
    assert len(italy.geoms) == 1
    assert italy.area == pytest.approx(54, abs=1.5)
    assert not italy.geoms[0].interiors


def test_a_country_of_islets_keeps_its_largest() -> None:
    rows = [
        _row("MC", shapely.box(0, 0, 0.02, 0.02)),
        _row("MC", shapely.box(1, 0, 1.05, 0.05)),
        _row("FR", shapely.box(3, 0, 9, 6)),
    ]
    outlines = {row["country"]: shapely.from_wkb(row["wkb"]) for row in build_outlines(rows)}
    assert len(outlines["MC"].geoms) == 1
    assert outlines["MC"].bounds[0] >= 0.99
