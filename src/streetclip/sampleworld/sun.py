"""Where the sun stands, and so where the shadows fall."""

import math
from dataclasses import dataclass

OBLIQUITY_DEG = 23.44


@dataclass(frozen=True, slots=True)
class Sun:
    """The position of the sun in the sky.

    Args:
        altitude_deg: Degrees above the horizon, negative after sunset.
        azimuth_deg: Degrees clockwise from north.
    """

    altitude_deg: float
    azimuth_deg: float

    def direction(self, heading: float) -> tuple[float, float, float]:
        """A unit vector to the sun: right of the view, up, and along the view.

        Args:
            heading: Where the view goes, degrees clockwise from north.
        """
        altitude = math.radians(self.altitude_deg)
        turn = math.radians(self.azimuth_deg - heading)
        level = math.cos(altitude)
        return level * math.sin(turn), math.sin(altitude), level * math.cos(turn)


def sun_at(latitude: float, month: int, solar_hour: float) -> Sun:
    """The sun in the middle of a month.

    Args:
        latitude: Degrees north.
        month: 1 to 12.
        solar_hour: 0 to 24; at 12 the sun is highest.

    Example:
        >>> round(sun_at(0, 3, 12).altitude_deg) > round(sun_at(60, 3, 12).altitude_deg)
        True
    """
    day = 30.4 * (month - 0.5)
    declination = math.radians(-OBLIQUITY_DEG * math.cos(2 * math.pi * (day + 10) / 365))
    phi, hour = math.radians(latitude), math.radians(15 * (solar_hour - 12))
    sine = math.sin(phi) * math.sin(declination)
    sine += math.cos(phi) * math.cos(declination) * math.cos(hour)
    east = -math.cos(declination) * math.sin(hour)
    north = math.sin(declination) * math.cos(phi)
    north -= math.cos(declination) * math.sin(phi) * math.cos(hour)
    altitude = math.degrees(math.asin(max(-1.0, min(1.0, sine))))
    # A hundredth of a degree hides what the math libraries of two machines differ by.
    return Sun(round(altitude, 2), round(math.degrees(math.atan2(east, north)) % 360, 2))


def lit_hours(latitude: float, month: int) -> tuple[float, float]:
    """First and last solar hour with the sun above the horizon; a short noon in polar night."""
    lit = [h / 4 for h in range(97) if sun_at(latitude, month, h / 4).altitude_deg > 0]
    if not lit:
        return 11.0, 13.0
    return min(lit), max(lit)
