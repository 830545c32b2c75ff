"""The areas that countries consist of, as country-coder draws them."""

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry import shape

from streetclip.geo.countries import countries

# West of the sand wall, country-coder draws Western Sahara as Morocco. The line between the two is
# the parallel of 27 degrees 40 minutes, and the area beyond it becomes one of its own, so that the
# table of disputed places can speak about it.
_SAHARA = "EH-W"
_SAHARA_NORTH_DEG = 27 + 40 / 60


def build_areas(features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row an area that has an outline, with the code that its packagers give it.

    Args:
        features: Features of ``borders.json``.

    Returns:
        Rows for the table of borders, sorted by area.
    """
    rows = []
    for feature in features:
        properties = feature["properties"]
        if not feature["geometry"]:
            continue
        geometry = shapely.make_valid(shape(feature["geometry"]))
        if properties.get("iso1A2") == "MA":
            south = shapely.box(-180, -90, 180, _SAHARA_NORTH_DEG)
            sahara = shapely.intersection(geometry, south)
            rows.append(_row(_SAHARA, "Western Sahara west of the sand wall", "MA", sahara))
            geometry = shapely.difference(geometry, south)
        area = properties.get("iso1A2") or properties["wikidata"]
        rows.append(_row(area, properties["nameEn"], _code(properties), geometry))
    return sorted(rows, key=lambda row: row["area"])


def _row(area: str, name: str, country: str, geometry: Any) -> dict[str, Any]:
    return {"area": area, "name": name, "country": country, "wkb": shapely.to_wkb(geometry)}


def _code(properties: Mapping[str, Any]) -> str:
    """The smallest unit with an ISO code: Bonaire is BQ before it is NL."""
    wanted = (properties.get("iso1A2"), *properties.get("groups", ()), properties.get("country"))
    return next((code for code in wanted if code in countries()), "")
