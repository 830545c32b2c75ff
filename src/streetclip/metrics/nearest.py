"""The nearest of many places: how near any method that answers one of them could come."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64
from scipy.spatial import cKDTree

from streetclip.geo.distance import EARTH_RADIUS_KM, unit_vectors
from streetclip.metrics.functional import haversine_km


def nearest_km(
    points: Float64[np.ndarray, "n 2"],
    places: Float64[np.ndarray, "m 2"],
    *,
    radius_km: float = EARTH_RADIUS_KM,
) -> Float64[np.ndarray, " n"]:
    """The distance of each point to the nearest place.

    Args:
        points: Latitude and longitude in degrees; NaN where unknown.
        places: Latitude and longitude in degrees.
        radius_km: Of the sphere.

    Returns:
        Kilometers; NaN for an unknown point, or where there is no place.

    Example:
        >>> places = np.array([[0.0, 0.0], [50.0, 1.0]])
        >>> nearest_km(np.array([[0.0, 1.0]]), places).round(1).tolist()
        [111.2]
    """
    distance = np.full(len(points), np.nan)
    known = ~np.isnan(points).any(axis=1)
    if known.any() and len(places):
        # Straight lines through the Earth order places as great circles do.
        _, nearest = cKDTree(unit_vectors(places)).query(unit_vectors(points[known]))
        distance[known] = haversine_km(
            torch.from_numpy(points[known]), torch.from_numpy(places[nearest]), radius_km=radius_km
        ).numpy()
    return distance


def nearest_in_group_km(
    points: Float64[np.ndarray, "n 2"],
    groups: Sequence[str | None],
    places: Float64[np.ndarray, "m 2"],
    place_groups: Sequence[str],
    *,
    radius_km: float = EARTH_RADIUS_KM,
) -> Float64[np.ndarray, " n"]:
    """The distance of each point to the nearest place of its own group, such as its country.

    Args:
        points: Latitude and longitude in degrees; NaN where unknown.
        groups: Of the points; None where unknown.
        places: Latitude and longitude in degrees.
        place_groups: Of the places.
        radius_km: Of the sphere.

    Returns:
        Kilometers; NaN for an unknown point or group, or where the group has no place.

    Example:
        >>> places = np.array([[0.0, 0.0], [50.0, 1.0]])
        >>> points = np.array([[0.0, 1.0], [0.0, 1.0]])
        >>> nearest_in_group_km(points, ["B", None], places, ["A", "B"]).round().tolist()
        [5560.0, nan]
    """
    distance = np.full(len(points), np.nan)
    of_point, of_place = np.array(groups, dtype=object), np.array(place_groups, dtype=object)
    for group in {group for group in groups if group is not None}:
        here = of_point == group
        distance[here] = nearest_km(points[here], places[of_place == group], radius_km=radius_km)
    return distance
