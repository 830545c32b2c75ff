"""The front of a house: what the wall is made of, windows, doors, shops with their boards."""

from dataclasses import dataclass

import numpy as np

from streetclip.sampleworld.canvas import Canvas, Point
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.glyphs import lettering
from streetclip.sampleworld.palette import COLORS, PAINT, Color, contrasting, mix, scaled

FLOOR_M = 3.0


@dataclass(frozen=True, slots=True)
class Wall:
    """An upright rectangle.

    Args:
        x: Of its left end (seen from the street), meters.
        z: Of the same.
        step: Change of x and z for a meter along the wall.
        width: Meters.
        height: Meters.
        face: Name of the side that it looks to, for its light.
        color: Of its paint.
    """

    x: float
    z: float
    step: tuple[float, float]
    width: float
    height: float
    face: str
    color: Color

    def point(self, along: float, up: float) -> Point:
        """A point of the wall."""
        return self.x + self.step[0] * along, up, self.z + self.step[1] * along


Patch = tuple[float, float, float, float, Color]


def paint_patches(canvas: Canvas, wall: Wall, patches: list[Patch]) -> None:
    """Draw rectangles on a wall: along from and to, up from and to, color."""
    if not patches:
        return
    box = np.array([patch[:4] for patch in patches])
    along, up = box[:, (0, 1, 1, 0)], box[:, (2, 2, 3, 3)]
    points = np.stack([wall.x + wall.step[0] * along, up, wall.z + wall.step[1] * along], axis=-1)
    flat = canvas.pixels(points.reshape(-1, 3).astype(np.float64))
    if flat is None:
        for start, end, low, high, color in patches:
            corners = ((start, low), (end, low), (end, high), (start, high))
            canvas.face([wall.point(*corner) for corner in corners], color, wall.face)
        return
    depth = max(canvas.depth(wall.x, wall.z), 2.0)
    for (*_, color), pixels in zip(patches, flat.reshape(-1, 8).tolist(), strict=True):
        canvas.draw.polygon(pixels, fill=canvas.tone(color, wall.face, depth))


def paint_text(
    canvas: Canvas, wall: Wall, area: tuple[float, float, float, float], ink: Color, dice: Dice
) -> None:
    """Write an invented word into a rectangle of a wall: along from and to, up from and to."""
    start, end, low, high = area
    size = high - low
    middle = wall.point((start + end) / 2, high)
    scale = canvas.scale(middle[0], middle[2])
    if scale * size < 5:
        return
    thick = max(1, round(scale * size * 0.13))
    fill = canvas.tone(ink, wall.face, canvas.depth(middle[0], middle[2]))
    for stroke in lettering(dice, canvas.scene.look.script, (end - start) / size):
        points = np.array([wall.point(start + x * size, high - y * size) for x, y in stroke])
        flat = canvas.pixels(points)
        if flat is not None:
            canvas.draw.line([tuple(row) for row in flat.tolist()], fill=fill, width=thick)


def paint_texture(canvas: Canvas, wall: Wall) -> None:
    """Draw what the wall is made of, where it is near enough to be seen."""
    middle = wall.point(wall.width / 2, wall.height / 2)
    scale = canvas.scale(middle[0], middle[2])
    if scale < 5:
        return
    paint_patches(canvas, wall, _texture(canvas.scene.look.texture, wall))


def _texture(name: str, wall: Wall) -> list[Patch]:
    dark, light = scaled(wall.color, 0.82), mix(wall.color, (240, 236, 228), 0.4)
    width, height = wall.width, wall.height
    if name in ("brick", "tiles"):
        color, gap = (light, 0.42) if name == "brick" else (dark, 0.55)
        rows = [i * gap for i in range(1, int(height / gap))]
        lines: list[Patch] = [(0, width, y, y + 0.06, color) for y in rows]
        if name == "tiles":
            lines += [(x, x + 0.06, 0, height, color) for x in _steps(width, 0.8)]
        return lines
    if name == "boards":
        return [(0, width, y, y + 0.1, dark) for y in _steps(height, 0.5)]
    if name == "timber":
        beam = (84, 58, 42)
        beams: list[Patch] = [(x, x + 0.22, 2.6, height, beam) for x in _steps(width, 1.6)]
        return [*beams, *((0, width, y, y + 0.22, beam) for y in _steps(height, 2.9))]
    if name == "panel":
        seams: list[Patch] = [(x, x + 0.12, 0, height, dark) for x in _steps(width, 3.0)]
        return [*seams, *((0, width, y, y + 0.12, dark) for y in _steps(height, FLOOR_M))]
    if name == "blocks":
        return [(0, width, y, y + 0.08, dark) for y in _steps(height, 1.0)]
    return [(0, width, 0, 0.7, dark)]


def _steps(length: float, gap: float) -> list[float]:
    return [gap * i for i in range(1, int(length / gap) + 1) if gap * i < length - 0.1]


def paint_windows(canvas: Canvas, wall: Wall, dice: Dice, *, first_floor: int = 0) -> None:
    """Draw the windows of a wall, floor by floor."""
    style = canvas.scene.look.windows
    pitch = {"wide": 3.4, "grid": 1.7, "small": 2.6, "balcony": 3.0}.get(style, 2.2)
    columns = max(1, int(wall.width / pitch))
    gap = wall.width / columns
    glass = _glass(canvas, dice)
    trim = COLORS[dice.choice(("green", "blue", "brown"))]
    patches: list[Patch] = []
    for floor in range(first_floor, int(wall.height / FLOOR_M + 0.1)):
        base = floor * FLOOR_M
        for column in range(columns):
            lit = glass if dice.chance(0.7) else scaled(glass, 0.75)
            patches += _window(style, (column + 0.5) * gap, base, lit, trim)
    paint_patches(canvas, wall, patches)


def _glass(canvas: Canvas, dice: Dice) -> Color:
    if canvas.scene.sun.altitude_deg < 1 and dice.chance(0.6):
        return (1100, 880, 480)
    return mix((52, 60, 74), (120, 146, 172), dice.unit())


def _window(style: str, x: float, base: float, glass: Color, trim: Color) -> list[Patch]:
    frame: Color = (238, 236, 230)
    low, high = base + 0.9, base + 2.3
    if style == "sash":
        bars: list[Patch] = [(x - 0.62, x + 0.62, low - 0.12, high + 0.12, frame)]
        bars += [(x - 0.48, x + 0.48, low, low + 0.6, glass)]
        return [*bars, (x - 0.48, x + 0.48, low + 0.74, high, glass)]
    if style == "wide":
        pane: list[Patch] = [(x - 1.25, x + 1.25, low, high, frame)]
        return [*pane, *((x + a, x + a + 1.05, low + 0.1, high - 0.1, glass) for a in (-1.15, 0.1))]
    if style == "shutter":
        wings: list[Patch] = [(x + a, x + a + 0.5, low - 0.1, high, trim) for a in (-0.95, 0.45)]
        return [*wings, (x - 0.42, x + 0.42, low - 0.1, high, glass)]
    if style == "arch":
        body: list[Patch] = [(x - 0.6, x + 0.6, low - 0.2, high - 0.1, frame)]
        body += [(x - 0.45, x + 0.45, high - 0.1, high + 0.12, frame)]
        body += [(x - 0.24, x + 0.24, high + 0.12, high + 0.3, frame)]
        return [*body, (x - 0.38, x + 0.38, low - 0.1, high, glass)]
    if style == "grid":
        return [(x - 0.6, x + 0.6, low, high, glass), (x - 0.07, x + 0.07, low, high, frame)]
    if style == "balcony":
        door: list[Patch] = [(x - 0.7, x + 0.7, base + 0.2, base + 2.3, glass)]
        slab: Patch = (x - 1.15, x + 1.15, base, base + 0.25, scaled(frame, 0.9))
        rails: list[Patch] = [
            (x + a, x + a + 0.12, base + 0.25, base + 1.1, (60, 62, 66))
            for a in (-1.1, -0.65, -0.2, 0.25, 0.7)
        ]
        return [*door, slab, (x - 1.15, x + 1.1, base + 1.0, base + 1.12, (60, 62, 66)), *rails]
    if style == "tall":
        return [
            (x - 0.5, x + 0.5, low - 0.4, high + 0.1, frame),
            (x - 0.38, x + 0.38, low - 0.28, high, glass),
        ]
    return [(x - 0.45, x + 0.45, low + 0.2, high - 0.1, glass)]


def paint_door(canvas: Canvas, wall: Wall, dice: Dice) -> None:
    """Draw a front door."""
    at = dice.between(0.15, 0.75) * wall.width
    color = COLORS[dice.choice(("brown", "dark", "blue", "green", "rust"))]
    paint_patches(canvas, wall, [(at, at + 1.1, 0, 2.2, color)])


def paint_shop(canvas: Canvas, wall: Wall, dice: Dice) -> None:
    """Draw a shop over the ground floor: glass, an awning, and a board with lettering."""
    ground = dice.choice(("white", "red", "blue", "yellow", "green", "white", canvas.scene.accent))
    board = PAINT[ground]
    left, right = 0.3, wall.width - 0.3
    patches: list[Patch] = [(left, right, 0.3, 2.4, _glass(canvas, dice))]
    patches += [(left, right, 2.55, 3.75, board)]
    if dice.chance(0.4):
        stripes = PAINT[dice.choice(("red", "blue", "green", "orange"))]
        step = (right - left) / 8
        patches += [
            (left + i * step, left + (i + 1) * step, 2.1, 2.55, stripes if i % 2 else board)
            for i in range(8)
        ]
    paint_patches(canvas, wall, patches)
    paint_text(canvas, wall, (left + 0.2, right - 0.2, 2.72, 3.58), contrasting(ground), dice)
