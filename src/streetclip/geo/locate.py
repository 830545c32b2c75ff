"""Coordinates to country, region and town, for arrays of points."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import shapely
from jaxtyping import Bool, Float64, Int64, Shaped
from scipy.spatial import cKDTree

from streetclip.geo.disputes import area_countries
from streetclip.geo.distance import EARTH_RADIUS_KM, unit_vectors
from streetclip.geo.gazetteer import Gazetteer, load_gazetteer
from streetclip.geo.points import Degrees, checked_points
from streetclip.geo.polygons import (
    NOWHERE,
    PolygonIndex,
    outline_points,
    read_cells,
    read_polygons,
)
from streetclip.geo.towns import NO_TOWN, TownIndex

# A photograph from a pier, a beach or a ferry near the port belongs to a country; one from the
# open sea does not.
LAND_DISTANCE_KM = 25.0

_TABLES = Path(__file__).parent / "tables"
# Outlines need not be finer than this to tell whether land is 25 km away.
_OUTLINE_STEP_DEG = 0.05


@dataclass(frozen=True)
class Located:
    """What is known of each point; None (NaN for the distance) where nothing is.

    Args:
        country: ISO 3166-1 alpha-2 codes.
        region: First-order administrative areas, in English.
        town: Nearest town of the country within 500 km.
        town_distance_km: Kilometers to that town.
        town_row: Row of that town in the gazetteer, -1 for none.
    """

    country: Shaped[np.ndarray, " n"]
    region: Shaped[np.ndarray, " n"]
    town: Shaped[np.ndarray, " n"]
    town_distance_km: Float64[np.ndarray, " n"]
    town_row: Int64[np.ndarray, " n"]


class Locator:
    """Borders, regions and towns, ready to be asked under one policy on disputed areas.

    Args:
        areas: Outlines of the areas that countries consist of.
        area_country: Code of each area, None for nobody's.
        regions: Outlines of regions; they are also what counts as land.
        region_names: Country and region of each of them, the region "" if unknown.
        towns: The gazetteer whose towns are found.
        moved: Areas whose towns go with them to a country that the gazetteer does not say.
    """

    def __init__(
        self,
        areas: PolygonIndex,
        area_country: list[str | None],
        regions: PolygonIndex,
        region_names: list[tuple[str, str]],
        towns: Gazetteer,
        *,
        moved: Sequence[int] = (),
    ) -> None:
        self._areas, self._regions, self._towns = areas, regions, towns
        codes = {code for code in area_country if code} | {code for code, _ in region_names}
        names = sorted(codes | set(towns.country.tolist()) - {""})
        number = {name: i for i, name in enumerate(names)}
        # Number -1 is no country, and -1 is also the last element of the list of names.
        self._names = np.array([*names, None], dtype=object)
        self._area_number = np.array([number.get(c or "", -1) for c in [*area_country, None]])
        self._region_number = np.array([number.get(code, -1) for code, _ in region_names])
        self._region_names = np.array([name for _, name in region_names], dtype=object)
        self._number = number
        self._moved = np.array(moved, dtype=np.int64)
        self._index: TownIndex | None = None
        self._land: cKDTree | None = None
        self._outlines: tuple[cKDTree, Int64[np.ndarray, " k"]] | None = None

    def locate(self, latlon: Float64[np.ndarray, "n 2"]) -> Located:
        """Country, region and town of each point."""
        country = self.country_numbers(latlon)
        row, distance_km = self._town_index().nearest(latlon, country)
        has_town = row != NO_TOWN
        town = np.full(len(row), None, dtype=object)
        town[has_town] = self._towns.name[row[has_town]]
        region = self._region_of(latlon, country, row)
        return Located(self._names[country], region, town, distance_km, row)

    def _region_of(
        self,
        latlon: Float64[np.ndarray, "n 2"],
        country: Int64[np.ndarray, " n"],
        town: Int64[np.ndarray, " n"],
    ) -> Shaped[np.ndarray, " n"]:
        """The region whose outline holds the point, if it is the country's; else the town's."""
        region = np.full(len(town), "", dtype=object)
        region[town != NO_TOWN] = self._towns.region[town[town != NO_TOWN]]
        polygon = self._regions.find(latlon[:, 0], latlon[:, 1])
        same = (self._region_number[polygon] == country) & (polygon != NOWHERE) & (country != -1)
        drawn = self._region_names[polygon[same]]
        region[same] = np.where(drawn != "", drawn, region[same])
        region[region == ""] = None
        return region

    def countries(self, latlon: Float64[np.ndarray, "n 2"]) -> Shaped[np.ndarray, " n"]:
        """The country of each point, None in the open sea."""
        return np.asarray(self._names[self.country_numbers(latlon)])

    def country_numbers(self, latlon: Float64[np.ndarray, "n 2"]) -> Int64[np.ndarray, " n"]:
        """The country of each point as a number, -1 for none."""
        latitude, longitude = np.ascontiguousarray(latlon.T)
        area = self._areas.find(latitude, longitude)
        near = self._is_near_land(latitude, longitude)
        area[~near] = NOWHERE
        adrift = np.flatnonzero(near & (area == NOWHERE))
        if len(adrift):
            area[adrift] = self._nearest_area(latlon[adrift])
        return np.asarray(self._area_number[area])

    def _is_near_land(
        self, latitude: Float64[np.ndarray, " n"], longitude: Float64[np.ndarray, " n"]
    ) -> Bool[np.ndarray, " n"]:
        """Whether land lies within ``LAND_DISTANCE_KM``; a cell is smaller than that."""
        near = np.asarray(self._regions.cell_values(latitude, longitude) != NOWHERE)
        rows = np.flatnonzero(~near)
        if len(rows):
            vectors = unit_vectors(np.stack([latitude[rows], longitude[rows]], axis=1))
            chord, _ = self._land_tree().query(vectors, distance_upper_bound=_LAND_CHORD)
            near[rows] = np.isfinite(chord)
        return near

    def _nearest_area(self, latlon: Float64[np.ndarray, "k 2"]) -> Int64[np.ndarray, " k"]:
        if self._outlines is None:
            points, owner = outline_points(self._areas.polygons, step_deg=_OUTLINE_STEP_DEG)
            # A sentinel owner for the answer "nothing near", which the tree gives as its length.
            self._outlines = cKDTree(unit_vectors(points)), np.append(owner, NOWHERE)
        tree, owner = self._outlines
        _, nearest = tree.query(unit_vectors(latlon), distance_upper_bound=_LAND_CHORD)
        return np.asarray(owner[nearest])

    def _land_tree(self) -> cKDTree:
        if self._land is None:
            coarse = shapely.simplify(self._regions.polygons, _OUTLINE_STEP_DEG / 5)
            points, _ = outline_points(coarse, step_deg=_OUTLINE_STEP_DEG)
            self._land = cKDTree(unit_vectors(np.concatenate([points, self._towns.latlon])))
        return self._land

    def _town_index(self) -> TownIndex:
        if self._index is None:
            names, member = np.unique(self._towns.country.astype("U2"), return_inverse=True)
            numbers = np.array([self._number[str(name)] for name in names], dtype=np.int64)
            country = numbers[member]
            if len(self._moved):
                area = self._areas.find(self._towns.latitude, self._towns.longitude)
                here = np.isin(area, self._moved)
                country[here] = self._area_number[area[here]]
            self._index = TownIndex(self._towns.latlon, country)
        return self._index


_LAND_CHORD = float(2 * np.sin(LAND_DISTANCE_KM / EARTH_RADIUS_KM / 2))


def locate(latitude: Degrees, longitude: Degrees, *, disputes: Path | None = None) -> Located:
    """Country, region and nearest town of points.

    The country is that of the area that holds the point, if land is within 25 km; the town is the
    nearest one of that country; the region is that of the outline that holds the point, and the
    town's where outlines do not say.

    Args:
        latitude: Degrees, ``[n]`` or one number.
        longitude: Degrees, ``[n]`` or one number.
        disputes: A table that replaces rows of ``geo/tables/disputes.csv``.

    Returns:
        Arrays ``[n]``.

    Raises:
        PlaceError: A coordinate is impossible, or the table of disputes is wrong.

    Example:
        >>> found = locate([48.8584], [2.2945])
        >>> str(found.country[0]), str(found.region[0])
        ('FR', 'Île-de-France')
    """
    latlon = checked_points(latitude, longitude)
    return _locator(_policy(disputes)).locate(latlon)


def locate_country(
    latitude: Degrees, longitude: Degrees, *, disputes: Path | None = None
) -> Shaped[np.ndarray, " n"]:
    """The country of points, which is quicker than all of ``locate``.

    Args:
        latitude: Degrees, ``[n]`` or one number.
        longitude: Degrees, ``[n]`` or one number.
        disputes: A table that replaces rows of ``geo/tables/disputes.csv``.

    Returns:
        ISO 3166-1 alpha-2 codes, None in the open sea, ``[n]``.

    Raises:
        PlaceError: A coordinate is impossible, or the table of disputes is wrong.

    Example:
        >>> locate_country([51.44, 0.0], [4.93, -30.0]).tolist()
        ['BE', None]
    """
    return _locator(_policy(disputes)).countries(checked_points(latitude, longitude))


def _policy(disputes: Path | None) -> tuple[str | None, ...]:
    return tuple(area_countries(disputes).values())


@cache
def _indexes() -> tuple[PolygonIndex, PolygonIndex, list[tuple[str, str]]]:
    areas, _ = read_polygons(_TABLES / "borders.parquet")
    regions, names = read_polygons(_TABLES / "regions.parquet")
    return (
        PolygonIndex(areas, read_cells(_TABLES / "borders_cells.parquet")),
        PolygonIndex(regions, read_cells(_TABLES / "regions_cells.parquet")),
        list(zip(names["country"], names["region"], strict=True)),
    )


@cache
def _locator(area_country: tuple[str | None, ...]) -> Locator:
    areas, regions, names = _indexes()
    moved = [i for i, code in enumerate(_policy(None)) if code != area_country[i]]
    return Locator(areas, list(area_country), regions, names, load_gazetteer(), moved=moved)
