"""A picture in perspective: street coordinates become pixels, colors become lit and hazy.

Street coordinates are meters: x to the right of the middle of the road, y above the road, z along
the street, with the camera at z = 0. The picture is drawn twice as large and reduced at the end.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageDraw

from streetclip.sampleworld.palette import VISIBILITY_M, Color, day, light_of, mix, scaled
from streetclip.sampleworld.world import Scene

Point = tuple[float, float, float]
Pixel = tuple[float, float]

OVERSAMPLING = 2
NEAR_M = 0.4


class Canvas:
    """The picture of one scene while it is drawn.

    Args:
        scene: What is shown.
        size_px: Side of the finished picture.
    """

    def __init__(self, scene: Scene, size_px: int) -> None:
        self.scene = scene
        self.side = size_px * OVERSAMPLING
        self.image = Image.new("RGB", (self.side, self.side))
        self.draw = ImageDraw.Draw(self.image)
        camera = scene.camera
        self.focal = camera.focal * self.side
        self.horizon = self.side * (0.5 - camera.pitch)
        self.light = light_of(scene.sun, scene.road_heading, scene.weather)
        self.haze = haze_color(scene)
        self.visibility = VISIBILITY_M[scene.weather]
        yaw = math.radians(camera.yaw_deg)
        self._cos, self._sin = math.cos(yaw), math.sin(yaw)

    def tone(self, color: Color, face: str, depth: float) -> tuple[int, int, int]:
        """A color as it is seen: lit by the face's light and fading into haze with depth."""
        light = self.light.faces[face]
        haze = 1.0 - math.exp(-max(depth, 0.0) / self.visibility)
        keep = 1.0 - haze
        red = color[0] * light[0] * keep + self.haze[0] * haze
        green = color[1] * light[1] * keep + self.haze[1] * haze
        blue = color[2] * light[2] * keep + self.haze[2] * haze
        return min(255, int(red)), min(255, int(green)), min(255, int(blue))

    def depth(self, x: float, z: float) -> float:
        """Distance of a point from the plane of the camera, in meters."""
        return (x - self.scene.camera.lateral_m) * self._sin + z * self._cos

    def scale(self, x: float, z: float) -> float:
        """Pixels of a meter at a point; 0 behind the camera."""
        depth = self.depth(x, z)
        return self.focal / depth if depth > NEAR_M else 0.0

    def pixel(self, point: Point) -> Pixel | None:
        """Where a point is seen, or None behind the camera."""
        seen = self._seen(point)
        return None if seen[2] < NEAR_M else self._flat(seen)

    def polygon(self, points: Sequence[Point], fill: tuple[int, int, int]) -> None:
        """Fill a flat shape of the street, cut off where it passes the camera."""
        pixels = self.outline(points)
        if len(pixels) > 2:
            self.draw.polygon(pixels, fill=fill)

    def outline(self, points: Sequence[Point]) -> list[Pixel]:
        """The corners of a flat shape in pixels, cut off where it passes the camera."""
        seen = [self._seen(point) for point in points]
        if any(point[2] < NEAR_M for point in seen):
            seen = _cut(seen)
        return [self._flat(point) for point in seen]

    def face(self, points: Sequence[Point], color: Color, face: str) -> None:
        """Fill a flat shape with a color that is lit as the face of this name."""
        depth = min(self.depth(x, z) for x, _, z in points)
        self.polygon(points, self.tone(color, face, max(depth, 1.0)))

    def ground(
        self, x0: float, x1: float, z0: float, z1: float, color: Color, *, height: float = 0.0
    ) -> None:
        """Fill a rectangle that lies on the ground."""
        points = [(x0, height, z0), (x1, height, z0), (x1, height, z1), (x0, height, z1)]
        self.face(points, color, "up")

    def pixels(self, points: Float64[np.ndarray, "k 3"]) -> Float64[np.ndarray, "k 2"] | None:
        """Many points at once; None if one of them is behind the camera."""
        across = points[:, 0] - self.scene.camera.lateral_m
        depth = across * self._sin + points[:, 2] * self._cos
        if depth.min() < NEAR_M:
            return None
        right = across * self._cos - points[:, 2] * self._sin
        scale = self.focal / depth
        flat = np.empty((len(points), 2))
        flat[:, 0] = self.side / 2 + right * scale
        flat[:, 1] = self.horizon - (points[:, 1] - self.scene.camera.height_m) * scale
        return flat

    def bearing(self, column: float) -> float:
        """Compass direction of a column of pixels, in degrees clockwise from north."""
        turn = math.degrees(math.atan((column - self.side / 2) / self.focal))
        return self.scene.facts.heading + turn

    def finished(self) -> Image.Image:
        """The picture in its final size."""
        return self.image.reduce(OVERSAMPLING)

    def _seen(self, point: Point) -> Point:
        across = point[0] - self.scene.camera.lateral_m
        right = across * self._cos - point[2] * self._sin
        depth = across * self._sin + point[2] * self._cos
        return right, point[1] - self.scene.camera.height_m, depth

    def _flat(self, seen: Point) -> Pixel:
        scale = self.focal / seen[2]
        return self.side / 2 + seen[0] * scale, self.horizon - seen[1] * scale


def _cut(seen: Sequence[Point]) -> list[Point]:
    """The part of a shape that lies before the camera (one step of Sutherland and Hodgman)."""
    kept: list[Point] = []
    for first, second in zip(seen, [*seen[1:], seen[0]], strict=True):
        if first[2] >= NEAR_M:
            kept.append(first)
        if (first[2] >= NEAR_M) != (second[2] >= NEAR_M):
            share = (NEAR_M - first[2]) / (second[2] - first[2])
            x, y, z = (a + (b - a) * share for a, b in zip(first, second, strict=True))
            kept.append((x, y, z))
    return kept


def haze_color(scene: Scene) -> Color:
    """What far things fade into: the color of the sky above the horizon."""
    bright = day(scene.sun)
    clear = mix((214, 226, 238), (240, 190, 150), max(0.0, 1 - scene.sun.altitude_deg / 12))
    gray = (200.0, 203.0, 207.0)
    base = clear if scene.weather in ("clear", "cloudy") else gray
    return scaled(mix((60, 66, 96), base, bright), 0.55 + 0.45 * bright)
