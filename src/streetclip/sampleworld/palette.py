"""Names of colors and what light makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from streetclip.sampleworld.sun import Sun

Color = tuple[float, float, float]

COLORS: dict[str, Color] = {
    "white": (236, 234, 226),
    "cream": (232, 218, 184),
    "ochre": (214, 168, 92),
    "yellow": (236, 198, 70),
    "orange": (222, 128, 58),
    "brick": (160, 88, 66),
    "terracotta": (196, 112, 80),
    "rust": (140, 58, 44),
    "red": (188, 46, 40),
    "pink": (226, 164, 158),
    "purple": (128, 78, 140),
    "blue": (62, 104, 176),
    "lightblue": (162, 196, 216),
    "turquoise": (92, 176, 170),
    "green": (110, 152, 104),
    "sand": (212, 188, 146),
    "brown": (122, 86, 60),
    "straw": (190, 166, 110),
    "gray": (158, 156, 152),
    "concrete": (176, 172, 162),
    "slate": (88, 92, 104),
    "tin": (172, 180, 184),
    "dark": (62, 58, 58),
    "black": (34, 34, 36),
}

# Paint of signs and markings is stronger than that of walls.
PAINT: dict[str, Color] = {
    **COLORS,
    "white": (246, 246, 242),
    "yellow": (244, 200, 28),
    "orange": (240, 120, 20),
    "red": (206, 24, 30),
    "blue": (24, 70, 168),
    "green": (14, 112, 66),
    "brown": (112, 66, 36),
    "pink": (236, 76, 150),
}

# Direct light and light of the sky that get through each weather.
_WEATHER = {
    "clear": (0.72, 0.52),
    "cloudy": (0.5, 0.58),
    "overcast": (0.06, 0.78),
    "rain": (0.0, 0.66),
    "fog": (0.02, 0.8),
}
VISIBILITY_M = {"clear": 900.0, "cloudy": 600.0, "overcast": 350.0, "rain": 150.0, "fog": 55.0}


def mix(first: Color, second: Color, share: float) -> Color:
    """The first color with a share of the second, from 0 to 1."""
    keep = 1.0 - share
    return (
        first[0] * keep + second[0] * share,
        first[1] * keep + second[1] * share,
        first[2] * keep + second[2] * share,
    )


def scaled(color: Color, factor: float) -> Color:
    """The color made lighter or darker."""
    return color[0] * factor, color[1] * factor, color[2] * factor


def contrasting(ground: str) -> Color:
    """Ink that can be read on painted ground of this name."""
    light = sum(PAINT[ground]) > 430
    return PAINT["black"] if light else PAINT["white"]


@dataclass(frozen=True, slots=True)
class Light:
    """What the faces of things receive, by the direction that they look to.

    Args:
        faces: Light on `up` (level ground), `left` and `right` (what looks to that side of the
            street), `near` (what looks to the camera) and `around` (what has no face, as trees).
        shadow: What is left of the light in a shadow.
    """

    faces: Mapping[str, Color]
    shadow: float


def day(sun: Sun) -> float:
    """How bright the day is: 1 with a high sun, 0 in the dark."""
    return max(0.0, min(1.0, (sun.altitude_deg + 7.0) / 17.0))


def light_of(sun: Sun, road_heading: float, weather: str) -> Light:
    """The light of a scene.

    Args:
        sun: Where the sun stands.
        road_heading: Where the street goes, degrees clockwise from north.
        weather: A word of `Scene.weather`.
    """
    direct, sky = _WEATHER[weather]
    low = max(0.0, min(1.0, sun.altitude_deg / 25.0))
    beam = mix((1.25, 0.82, 0.5), (1.03, 1.0, 0.95), low)
    beam = scaled(beam, direct * max(0.0, min(1.0, (sun.altitude_deg + 1.0) / 8.0)))
    bright = day(sun)
    ambient = scaled(mix((0.8, 0.85, 1.25), (0.97, 1.0, 1.06), bright), sky * (0.3 + 0.7 * bright))
    right, up, along = sun.direction(road_heading)

    def lit(cosine: float) -> Color:
        share = max(0.0, cosine)
        red, green, blue = (a + b * share for a, b in zip(ambient, beam, strict=True))
        return red, green, blue

    ground = lit(0.35 + 0.65 * max(0.0, up))
    sides = {"left": lit(-right), "right": lit(right), "near": lit(-along), "around": lit(0.6)}
    return Light({"up": ground, **sides}, sum(ambient) / max(sum(ground), 1e-6))
