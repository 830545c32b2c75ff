"""Great circles as lines on a map, cut where they cross the antimeridian."""

import numpy as np
from jaxtyping import Float64

from streetclip.geo.distance import unit_vectors

_POINTS = 65
# Radians; under this two points are one, or one is the antipode of the other.
_NOWHERE = 1e-6


def great_circle(
    start: Float64[np.ndarray, " 2"], end: Float64[np.ndarray, " 2"]
) -> list[Float64[np.ndarray, "k 2"]]:
    """The shortest way between two points, cut where it crosses the antimeridian.

    Args:
        start: Latitude and longitude in degrees.
        end: Latitude and longitude in degrees.

    Returns:
        Lines of longitude and latitude in degrees, each up to the edge of the map; none between
        equal points, between antipodes, where every way is equally short, and where a coordinate
        is unknown (NaN).

    Example:
        >>> import numpy as np
        >>> east, west = great_circle(np.array([0.0, 170.0]), np.array([0.0, -170.0]))
        >>> east[-1].tolist(), west[0].tolist()
        ([180.0, 0.0], [-180.0, 0.0])
    """
    a, b = unit_vectors(start), unit_vectors(end)
    # The cross product keeps digits that the arc cosine loses for points that are close.
    angle = float(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))
    if np.isnan(angle) or angle < _NOWHERE or np.pi - angle < _NOWHERE:
        return []
    share = np.linspace(0.0, 1.0, _POINTS)[:, None]
    way = (np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle)
    latitude = np.degrees(np.arcsin(np.clip(way[:, 2], -1.0, 1.0)))
    longitude = np.degrees(np.arctan2(way[:, 1], way[:, 0]))
    line = np.stack([longitude, latitude], axis=1)
    jumps = np.flatnonzero(np.abs(np.diff(longitude)) > 180.0)
    pieces = np.split(line, jumps + 1)
    for place, jump in enumerate(jumps):
        before, after = _edge(line[jump], line[jump + 1])
        pieces[place] = np.concatenate([pieces[place], before[None]])
        pieces[place + 1] = np.concatenate([after[None], pieces[place + 1]])
    return pieces


def _edge(
    before: Float64[np.ndarray, " 2"], after: Float64[np.ndarray, " 2"]
) -> tuple[Float64[np.ndarray, " 2"], Float64[np.ndarray, " 2"]]:
    """Where a step over the antimeridian leaves the map, and where it comes back."""
    side = 180.0 if before[0] > 0 else -180.0
    to_edge, beyond = abs(side - before[0]), abs(-side - after[0])
    # A step from the edge to itself has no length, and any share of it is right.
    share = to_edge / (to_edge + beyond) if to_edge + beyond > 0 else 0.5
    latitude = before[1] + share * (after[1] - before[1])
    return np.array([side, latitude]), np.array([-side, latitude])
