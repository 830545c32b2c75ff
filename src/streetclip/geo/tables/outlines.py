"""Outlines of countries that are coarse enough for a map of the world."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

_TOLERANCE_DEG = 0.2
_PRECISION_DEG = 0.01
# An islet smaller than this is no more than a pixel, unless the country has nothing larger.
_SMALLEST_SQUARE_DEG = 0.05


def build_outlines(regions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a country: its regions merged, simplified together with its neighbors'.

    Args:
        regions: Rows of the region table.

    Returns:
        Rows with country and outline, the largest country first, so that an enclave is drawn on
        top of what surrounds it.
    """
    groups: dict[str, list[Any]] = {}
    for row in regions:
        groups.setdefault(row["country"], []).append(shapely.from_wkb(row["wkb"]))
    codes = sorted(code for code in groups if code)
    merged = np.array([shapely.union_all(groups[code]) for code in codes], dtype=object)
    simple = shapely.coverage_simplify(merged, _TOLERANCE_DEG)
    outlines = [(code, _drawable(polygon)) for code, polygon in zip(codes, simple, strict=True)]
    outlines.sort(key=lambda item: -item[1].area)
    return [
        {"country": code, "wkb": shapely.to_wkb(outline)}
        for code, outline in outlines
        if not outline.is_empty
    ]


def _drawable(polygon: Any) -> Any:
    """Without holes and islets."""
    parts = shapely.get_parts(shapely.set_precision(polygon, _PRECISION_DEG))
    if not len(parts):
        parts = shapely.get_parts(polygon)
    filled = [shapely.Polygon(part.exterior) for part in parts]
    largest = max(filled, key=lambda part: part.area)
    kept = [part for part in filled if part.area >= _SMALLEST_SQUARE_DEG or part is largest]
    return shapely.MultiPolygon(kept)
