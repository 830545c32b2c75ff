"""Simplified outlines of countries, for maps of the world."""

from functools import cache
from pathlib import Path

import numpy as np
import shapely
from jaxtyping import Float64

from streetclip.geo.polygons import read_polygons

_TABLE = Path(__file__).parent / "tables" / "outlines.parquet"


@cache
def country_outlines() -> list[tuple[str, list[Float64[np.ndarray, "k 2"]]]]:
    """The land of each country as closed rings; none crosses the antimeridian.

    They are drawn for the eye: holes and islets are left out. ``locate`` has finer ones.

    Returns:
        ISO codes with rings of longitude and latitude in degrees, the largest country first, so
        that an enclave drawn later lies on top. Shared between callers.

    Example:
        >>> outlines = dict(country_outlines())
        >>> outlines["LS"][0].shape[1]
        2
    """
    polygons, names = read_polygons(_TABLE)
    return [
        (code, [shapely.get_coordinates(part) for part in shapely.get_parts(polygon)])
        for code, polygon in zip(names["country"], polygons, strict=True)
    ]
