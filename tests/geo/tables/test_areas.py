"""The code of each area, and Western Sahara."""

import pytest
import shapely

from streetclip.geo.tables.areas import build_areas


def _feature(polygon: shapely.Polygon | None, **properties: object) -> dict[str, object]:
    geometry = None if polygon is None else polygon.__geo_interface__
    return {"properties": {"wikidata": "Q0", "nameEn": "x", **properties}, "geometry": geometry}


@pytest.mark.parametrize(
    ("properties", "area", "country"),
    [
        ({"iso1A2": "DE"}, "DE", "DE"),
        ({"iso1A2": "FX", "country": "FR", "groups": ["EU"]}, "FX", "FR"),
        ({"wikidata": "Q25396", "country": "NL", "groups": ["BQ", "UN"]}, "Q25396", "BQ"),
        ({"wikidata": "Q5823", "country": "ES", "groups": ["EA", "EU"]}, "Q5823", "ES"),
        ({"wikidata": "Q620634", "groups": ["015"]}, "Q620634", ""),
    ],
)
def test_an_area_has_the_smallest_unit_with_a_code(
    properties: dict[str, object], area: str, country: str
) -> None:
    (row,) = build_areas([_feature(shapely.box(0, 0, 1, 1), **properties)])
    assert (row["area"], row["country"]) == (area, country)


def test_groups_without_an_outline_are_left_out() -> None:
    assert build_areas([_feature(None, iso1A2="FR")]) == []


def test_morocco_is_cut_at_the_parallel() -> None:
    rows = build_areas([_feature(shapely.box(-17, 20, -1, 36), iso1A2="MA")])
    bounds = {row["area"]: shapely.from_wkb(row["wkb"]).bounds for row in rows}
    line = 27 + 40 / 60
    assert bounds["EH-W"] == pytest.approx((-17, 20, -1, line))
    assert bounds["MA"] == pytest.approx((-17, line, -1, 36))
