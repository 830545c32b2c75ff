"""Shadows on the ground: away from the sun, as long as it is low."""

import math

from PIL import Image, ImageChops, ImageDraw

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.things import Shadow, Thing

LONGEST_M = 30.0


def shadow_offset(canvas: Canvas) -> tuple[float, float]:
    """Where the shadow of a thing of one meter ends: x to the right, z along the street."""
    scene = canvas.scene
    right, up, along = scene.sun.direction(scene.road_heading)
    if up <= 0.02:
        return 0.0, 0.0
    return -right / up, -along / up


def paint_shadows(canvas: Canvas, things: list[Thing]) -> None:
    """Darken the ground behind everything that keeps the sun off.

    Nothing is darkened under a covered sky, where there is no shadow to see.
    """
    offset = shadow_offset(canvas)
    if canvas.light.shadow > 0.93 or math.hypot(*offset) == 0:
        return
    mask = Image.new("L", canvas.image.size, 255)
    draw = ImageDraw.Draw(mask)
    fill = int(255 * max(0.35, canvas.light.shadow))
    for thing in things:
        if thing.shadow is not None and thing.z < 60:
            for shape in _shapes(thing.shadow, offset):
                pixels = canvas.outline(shape)
                if len(pixels) > 2:
                    draw.polygon(pixels, fill=fill)
    canvas.image.paste(ImageChops.multiply(canvas.image, Image.merge("RGB", (mask,) * 3)))


def _shapes(shadow: Shadow, offset: tuple[float, float]) -> list[list[tuple[float, float, float]]]:
    """The sides and the top of a box, thrown on the ground."""
    corners = [(shadow.x0, shadow.z0), (shadow.x1, shadow.z0)]
    corners += [(shadow.x1, shadow.z1), (shadow.x0, shadow.z1)]
    low, high = _thrown(offset, shadow.bottom), _thrown(offset, shadow.height)
    near = [(x + low[0], 0.0, z + low[1]) for x, z in corners]
    far = [(x + high[0], 0.0, z + high[1]) for x, z in corners]
    sides = [[near[i - 1], near[i], far[i], far[i - 1]] for i in range(4)]
    return [*sides, far]


def _thrown(offset: tuple[float, float], height: float) -> tuple[float, float]:
    x, z = offset[0] * height, offset[1] * height
    length = math.hypot(x, z)
    share = min(1.0, LONGEST_M / length) if length > 0 else 0.0
    return x * share, z * share
