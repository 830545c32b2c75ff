"""Great-circle distances: WGS-84 degrees, latitude before longitude, on a sphere."""

import numpy as np
from jaxtyping import Float, Num

# The mean radius that the package `haversine` uses as well.
EARTH_RADIUS_KM: float = 6371.0088
# GeoScore falls to 1/e over this distance (OSV-5M, arXiv 2404.18873).
GEOSCORE_SCALE_KM: float = 1492.7


def haversine_km(
    a: Num[np.ndarray, "*#shape 2"], b: Num[np.ndarray, "*#shape 2"]
) -> Float[np.ndarray, "*shape"]:
    """The great-circle distance between points, broadcasting over the leading axes.

    Args:
        a: Latitude and longitude in degrees, ``[..., 2]``.
        b: Latitude and longitude in degrees, ``[..., 2]``.

    Returns:
        Kilometers, ``[...]``.

    Example:
        >>> import numpy as np
        >>> paris, london = np.array([48.8566, 2.3522]), np.array([51.5074, -0.1278])
        >>> round(float(haversine_km(paris, london)), 1)
        343.6
    """
    first, second = np.radians(a), np.radians(b)
    half = np.sin((second - first) / 2) ** 2
    share = half[..., 0] + np.cos(first[..., 0]) * np.cos(second[..., 0]) * half[..., 1]
    # Rounding can lift antipodes above 1, where arcsin is not defined.
    distance: Float[np.ndarray, "*shape"] = (
        2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0)))
    )
    return np.asarray(distance)


def unit_vectors(latlon: Num[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 3"]:
    """Points as vectors of length one, so that a straight-line tree finds great-circle neighbors.

    Args:
        latlon: Latitude and longitude in degrees, ``[..., 2]``.

    Returns:
        x, y, z with the poles on z and longitude 0 on x, ``[..., 3]``.

    Example:
        >>> import numpy as np
        >>> unit_vectors(np.array([90.0, 0.0])).round(6).tolist()
        [0.0, 0.0, 1.0]
    """
    angles = np.radians(latlon)
    latitude, longitude = angles[..., 0], angles[..., 1]
    level = np.cos(latitude)
    return np.stack(
        [level * np.cos(longitude), level * np.sin(longitude), np.sin(latitude)], axis=-1
    )


def chord_to_km(chord: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The great-circle distance that belongs to a straight line between two unit vectors.

    Args:
        chord: Length of the straight line, 0 to 2.

    Returns:
        Kilometers, of the same shape.

    Example:
        >>> import numpy as np
        >>> round(float(chord_to_km(np.array([2.0]))[0]))  # half way round the Earth
        20015
    """
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0.0, 1.0))
