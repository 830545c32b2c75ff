"""Coordinates as callers hand them over, checked once for all questions about places."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float64, Num

from streetclip.errors import PlaceError

# Latitudes or longitudes: many, or a single one.
Degrees: TypeAlias = float | Sequence[float] | Num[np.ndarray, "..."]


def checked_points(latitude: Degrees, longitude: Degrees) -> Float64[np.ndarray, "n 2"]:
    """Latitude and longitude side by side, after a look at their range.

    Args:
        latitude: Degrees, ``[n]`` or one number.
        longitude: Degrees, ``[n]`` or one number.

    Returns:
        Degrees.

    Raises:
        PlaceError: The two differ in length, or a coordinate is out of range or no number; the
            first ten such rows are named.

    Example:
        >>> checked_points(48.85, 2.35).tolist()
        [[48.85, 2.35]]
    """
    lat = np.atleast_1d(np.asarray(latitude, dtype=np.float64))
    lon = np.atleast_1d(np.asarray(longitude, dtype=np.float64))
    if lat.shape != lon.shape or lat.ndim != 1:
        raise PlaceError(
            "latitude and longitude do not belong together",
            got=f"shapes {lat.shape} and {lon.shape}",
            allowed="two arrays of equal length",
        )
    for name, values, limit in (("latitude", lat, 90.0), ("longitude", lon, 180.0)):
        # A NaN fails every comparison, so this finds it too.
        wrong = np.flatnonzero(~(np.abs(values) <= limit))
        if len(wrong):
            listed = ", ".join(f"row {i}: {values[i]:g}" for i in wrong[:10])
            raise PlaceError(
                f"{len(wrong)} of {len(values)} points have an impossible {name}",
                got=listed + (", ..." if len(wrong) > 10 else ""),
                allowed=f"-{limit:g} to {limit:g} degrees",
            )
    return np.stack([lat, lon], axis=1)
