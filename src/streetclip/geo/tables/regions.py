"""Outlines of regions that carry the names of the gazetteer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from jaxtyping import Int64, Shaped
from shapely.geometry import shape

# Degrees; edges are simplified together, so that neighbors keep their common edge.
_TOLERANCE_DEG = 0.012
_PRECISION_DEG = 0.0001


def build_regions(
    features: Sequence[Mapping[str, Any]], places: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The first-order areas of Natural Earth, each under the region that most of its towns have.

    Natural Earth draws counties where GeoNames knows countries of the United Kingdom, and spells
    names in its own way; the towns inside an area settle both. Areas of one region are merged.
    An area without towns has the region "", and then the nearest town decides.

    Args:
        features: Natural Earth's admin-1 features as GeoJSON.
        places: Towns with country, region, latitude and longitude.

    Returns:
        Rows for the table of regions, sorted.
    """
    polygons = shapely.make_valid(np.array([shape(f["geometry"]) for f in features], dtype=object))
    votes = _votes(polygons, places)
    groups: dict[tuple[str, str], list[Any]] = {}
    for i, feature in enumerate(features):
        code = str(feature["properties"].get("iso_a2") or "")
        winner = votes[i].most_common(1)[0][0] if votes[i] else (code, "")
        groups.setdefault(winner, []).append(polygons[i])
    names = sorted(groups)
    merged = np.array([shapely.union_all(groups[name]) for name in names], dtype=object)
    simple = shapely.coverage_simplify(merged, _TOLERANCE_DEG)
    final = shapely.make_valid(shapely.set_precision(simple, _PRECISION_DEG))
    return [
        {"country": country, "region": region, "wkb": shapely.to_wkb(final[i])}
        for i, (country, region) in enumerate(names)
        if not final[i].is_empty
    ]


def _votes(
    polygons: Shaped[np.ndarray, " p"], places: Sequence[Mapping[str, Any]]
) -> list[Counter[tuple[str, str]]]:
    """How many towns of which country and region lie in each polygon."""
    points = shapely.points(
        [place["longitude"] for place in places], [place["latitude"] for place in places]
    )
    pairs: Int64[np.ndarray, "2 pairs"] = shapely.STRtree(points).query(
        polygons, predicate="intersects"
    )
    votes: list[Counter[tuple[str, str]]] = [Counter() for _ in polygons]
    for polygon, town in pairs.T.tolist():
        votes[polygon][places[town]["country"], places[town]["region"]] += 1
    return votes
