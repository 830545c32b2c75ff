"""The Equal Earth projection: areas keep their proportions, so that no large country looks larger.

Source: B. Savric, T. Patterson and B. Jenny, The Equal Earth map projection, International Journal
of Geographical Information Science 33 (2019), equations 1 to 4 and their four coefficients.
"""

import numpy as np
from jaxtyping import Float64, Int64

NAME = "Equal Earth projection"
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_ROOT_3 = float(np.sqrt(3.0))
# Where the equator meets the antimeridian, and the pole, on a sphere of radius 1.
_X_MAX = 2 * np.pi / (_ROOT_3 * _A1)
_Y_MAX = 1.3173627591574133


def equal_earth(lonlat: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    """Points of a sphere of radius 1 in the plane, x to the east and y to the north.

    Args:
        lonlat: Longitude and latitude in degrees.

    Returns:
        x and y; the whole Earth lies within 2.71 and 1.32 of the middle.

    Example:
        >>> import numpy as np
        >>> equal_earth(np.array([[180.0, 0.0], [0.0, 90.0]])).round(4).tolist()
        [[2.7066, 0.0], [0.0, 1.3174]]
    """
    longitude, latitude = np.radians(lonlat[:, 0]), np.radians(lonlat[:, 1])
    theta = np.arcsin(_ROOT_3 / 2 * np.sin(latitude))
    square = theta * theta
    sixth = square**3
    slope = _A1 + 3 * _A2 * square + sixth * (7 * _A3 + 9 * _A4 * square)
    x = 2 * _ROOT_3 * longitude * np.cos(theta) / (3 * slope)
    y = theta * (_A1 + _A2 * square + sixth * (_A3 + _A4 * square))
    return np.stack([x, y], axis=1)


def on_canvas(lonlat: Float64[np.ndarray, "n 2"], width: int) -> Int64[np.ndarray, "n 2"]:
    """Points on a canvas whose whole width is the equator.

    Args:
        lonlat: Longitude and latitude in degrees.
        width: Of the canvas, in its own units.

    Returns:
        x to the right and y downward from the north pole, in whole units.

    Example:
        >>> import numpy as np
        >>> on_canvas(np.array([[-180.0, 0.0], [180.0, 0.0], [0.0, 90.0]]), 1000).tolist()
        [[0, 243], [1000, 243], [500, 0]]
    """
    scale = width / (2 * _X_MAX)
    plane = equal_earth(lonlat)
    canvas = scale * np.stack([plane[:, 0] + _X_MAX, _Y_MAX - plane[:, 1]], axis=1)
    return canvas.round().astype(np.int64)
