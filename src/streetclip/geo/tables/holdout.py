"""How well places are located whose towns the tables do not know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from jaxtyping import Bool, Shaped
from scipy.spatial import cKDTree

from streetclip.geo.disputes import area_countries
from streetclip.geo.distance import EARTH_RADIUS_KM, unit_vectors
from streetclip.geo.gazetteer import Gazetteer
from streetclip.geo.locate import Locator
from streetclip.geo.polygons import PolygonIndex, outline_points
from streetclip.geo.tables.cells import build_cells

BORDER_KM = 15.0

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Figures:
    """Shares of the towns that were held out, 0 to 1.

    Args:
        towns: How many were held out.
        country: In the right country.
        border_towns: How many of them lie within 15 km of another country's outline.
        border_country: Of those, in the right country.
        region: In the right region, of those whose region the source names.
        peer_country: In the right country if the nearest town decided.
        peer_border_country: The same within 15 km of a border.
        peer_region: In the right region if the nearest town decided.
    """

    towns: int
    country: float
    border_towns: int
    border_country: float
    region: float
    peer_country: float
    peer_border_country: float
    peer_region: float


def hold_out(places: Rows, *, share: float, seed: int) -> tuple[Rows, Rows]:
    """Part the towns into known and unseen ones.

    Args:
        places: All towns.
        share: Of the unseen ones, 0 to 1.
        seed: Of the draw.

    Returns:
        The known towns and the unseen ones, in their order.
    """
    unseen = np.random.default_rng(seed).random(len(places)) < share
    known = [place for place, out in zip(places, unseen, strict=True) if not out]
    return known, [place for place, out in zip(places, unseen, strict=True) if out]


def measure(areas: Rows, regions: Rows, known: Rows, unseen: Rows) -> Figures:
    """Locate the unseen towns by means of the known ones, and compare with what the source says.

    Args:
        areas: Rows of the border table.
        regions: Rows of the region table, made from the known towns.
        known: Towns that the locator has.
        unseen: Towns that it is asked about.

    Returns:
        The shares, beside those of the nearest town alone.
    """
    policy = area_countries()
    codes = [policy.get(row["area"], row["country"] or None) for row in areas]
    names = [(row["country"], row["region"]) for row in regions]
    towns, asked = gazetteer_of(known), gazetteer_of(unseen)
    index = _index(areas)
    found = Locator(index, codes, _index(regions), names, towns).locate(asked.latlon)
    nearest = cKDTree(unit_vectors(towns.latlon)).query(unit_vectors(asked.latlon))[1]
    border = _near_another_country(index.polygons, codes, asked)
    right = found.country == asked.country
    peer = towns.country[nearest] == asked.country
    named = asked.region != ""
    return Figures(
        towns=len(asked),
        country=float(right.mean()),
        border_towns=int(border.sum()),
        border_country=float(right[border].mean()),
        region=float((right & (found.region == asked.region))[named].mean()),
        peer_country=float(peer.mean()),
        peer_border_country=float(peer[border].mean()),
        peer_region=float((peer & (towns.region[nearest] == asked.region))[named].mean()),
    )


def render(figures: Figures) -> str:
    """The figures as the Markdown table of ``README.md``.

    Args:
        figures: What was measured.

    Returns:
        Lines of text.
    """
    rows = [
        (f"country, {figures.towns:,} towns", figures.country, figures.peer_country),
        (
            f"country, {figures.border_towns:,} towns within {BORDER_KM:g} km of a border",
            figures.border_country,
            figures.peer_border_country,
        ),
        ("country and region", figures.region, figures.peer_region),
    ]
    lines = ["| right | `locate` | nearest town |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {name} | {a:.2%} | {b:.2%} |" for name, a, b in rows])


def gazetteer_of(rows: Rows) -> Gazetteer:
    """Rows of the build as the table that the package reads.

    Args:
        rows: Towns.

    Returns:
        The same as arrays.
    """
    kinds: Mapping[str, type] = {
        "id": np.int64,
        "name": object,
        "country": object,
        "region": object,
        "latitude": np.float64,
        "longitude": np.float64,
        "population": np.int64,
    }
    return Gazetteer(
        **{name: np.array([row[name] for row in rows], dtype=kind) for name, kind in kinds.items()}
    )


def _index(rows: Rows) -> PolygonIndex:
    polygons = shapely.from_wkb(np.array([row["wkb"] for row in rows], dtype=object))
    return PolygonIndex(polygons, build_cells(polygons))


def _near_another_country(
    polygons: Shaped[np.ndarray, " p"], codes: list[str | None], towns: Gazetteer
) -> Bool[np.ndarray, " n"]:
    """Whether an outline of a country other than the town's own passes within 15 km."""
    points, owner = outline_points(polygons, step_deg=0.02)
    code = np.array([code or "" for code in codes], dtype=object)[owner]
    tree = cKDTree(unit_vectors(points))
    chord = float(2 * np.sin(BORDER_KM / EARTH_RADIUS_KM / 2))
    # Only towns with a foreign outline point among the near ones count, however many are near.
    near: list[list[int]] = tree.query_ball_point(unit_vectors(towns.latlon), chord).tolist()
    return np.array(
        [_has_other(code[rows], own) for rows, own in zip(near, towns.country, strict=True)],
        dtype=bool,
    )


def _has_other(codes: Shaped[np.ndarray, " k"], own: str) -> bool:
    return bool(((codes != own) & (codes != "")).any())
