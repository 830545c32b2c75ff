"""What stands in the street: something with a place, a shadow and a way to be drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from streetclip.sampleworld.canvas import Canvas, Point
from streetclip.sampleworld.palette import Color

Painter = Callable[[Canvas], None]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A box that keeps the sun from the ground.

    Args:
        x0: Left side, meters.
        x1: Right side.
        z0: Near side.
        z1: Far side.
        height: Top.
        bottom: Underside; above 0 for the crown of a tree.
    """

    x0: float
    x1: float
    z0: float
    z1: float
    height: float
    bottom: float = 0.0


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is drawn after all things behind it.

    Args:
        x: Meters right of the middle of the road.
        z: Meters along the street; its farthest part decides the order.
        paint: Draws it.
        shadow: What it casts, or None.
    """

    x: float
    z: float
    paint: Painter
    shadow: Shadow | None = None


def box(canvas: Canvas, low: Point, high: Point, color: Color, *, top: Color | None = None) -> None:
    """Draw the visible faces of a box.

    Args:
        canvas: Where to.
        low: Left, lower, near corner.
        high: Right, upper, far corner.
        color: Of its sides.
        top: Of its top, the same if None.
    """
    (x0, y0, z0), (x1, y1, z1) = low, high
    camera = canvas.scene.camera
    if camera.height_m > y1:
        canvas.face([(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)], top or color, "up")
    if camera.lateral_m < x0:
        canvas.face([(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)], color, "left")
    if camera.lateral_m > x1:
        canvas.face([(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)], color, "right")
    if z0 > 0:
        canvas.face([(x0, y0, z0), (x0, y1, z0), (x1, y1, z0), (x1, y0, z0)], color, "near")
