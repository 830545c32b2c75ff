"""Trees, palms, cacti, hedges: what grows there, in the season of the photograph."""

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.palette import Color, mix, scaled
from streetclip.sampleworld.things import Shadow, Thing
from streetclip.sampleworld.world import Scene

_BARE: Color = (112, 98, 84)
_SNOW: Color = (228, 234, 240)
CROWNS: dict[str, Color] = {
    "round": (74, 118, 52),
    "poplar": (88, 126, 58),
    "hedge": (58, 100, 48),
    "birch": (112, 142, 64),
    "spruce": (42, 78, 56),
    "pine": (58, 94, 56),
    "cypress": (46, 76, 48),
    "olive": (126, 138, 98),
    "umbrella": (60, 96, 50),
    "acacia": (104, 122, 54),
    "eucalyptus": (112, 138, 108),
    "palm": (76, 122, 52),
    "banana": (104, 156, 58),
    "bamboo": (118, 152, 66),
    "jungle": (40, 96, 40),
    "cactus": (92, 124, 78),
    "shrub": (116, 118, 72),
}
_HEIGHT_M = {
    "palm": 8.0,
    "poplar": 10.0,
    "cypress": 8.0,
    "spruce": 9.0,
    "pine": 8.0,
    "eucalyptus": 9.0,
    "jungle": 9.0,
    "umbrella": 8.0,
    "acacia": 6.0,
    "banana": 3.5,
    "bamboo": 6.0,
    "cactus": 3.2,
    "shrub": 1.5,
    "hedge": 1.8,
    "olive": 4.5,
}
_LEAFY = ("round", "poplar", "birch")


def plan_trees(scene: Scene) -> list[Thing]:
    """Trees along both pavements and in the gardens behind."""
    dice = scene.facts.dice("trees")
    things = []
    share = scene.climate.tree_share * (1.0 - 0.45 * scene.city)
    for side in (-1.0, 1.0):
        z = dice.between(3, 12)
        while z < 70:
            if dice.chance(share * 0.75):
                off = dice.between(0.2, scene.pavement_m) + (dice.between(0, 7) * dice.chance(0.35))
                things.append(_tree(scene, dice, side * (scene.road_half_m + off + 0.3), z))
            z += dice.between(5, 11)
    return things


def _tree(scene: Scene, dice: Dice, x: float, z: float) -> Thing:
    kind = dice.choice(scene.climate.trees)
    height = _HEIGHT_M.get(kind, 6.5) * dice.between(0.7, 1.2)
    crown = _crown_color(scene, dice, kind)
    key = f"tree {x:.2f} {z:.2f}"
    half = height * (0.12 if kind in ("poplar", "cypress", "cactus", "palm") else 0.25)
    shadow = Shadow(x - half, x + half, z - half, z + half, height, height * 0.35)
    return Thing(x, z, lambda canvas: paint_tree(canvas, kind, (x, z), height, crown, key), shadow)


def _crown_color(scene: Scene, dice: Dice, kind: str) -> Color | None:
    """The color of the leaves, or None on a bare tree."""
    crown = scaled(CROWNS[kind], dice.between(0.8, 1.2))
    if kind in _LEAFY and scene.climate.seasons in ("leaves", "snow"):
        if scene.season == "winter":
            return None
        if scene.season == "autumn":
            return mix(crown, (206, 138, 44), dice.between(0.3, 0.9))
    if scene.dry:
        crown = mix(crown, (150, 138, 76), 0.3)
    return mix(crown, _SNOW, 0.35) if scene.snow else crown


def paint_tree(
    canvas: Canvas,
    kind: str,
    place: tuple[float, float],
    height: float,
    crown: Color | None,
    key: str,
) -> None:
    """Draw a tree.

    Args:
        canvas: Where to.
        kind: A word of the climate's trees.
        place: x and z, meters.
        height: Meters.
        crown: Color of its leaves, None if it is bare.
        key: Of the draws for its form.
    """
    foot, scale = canvas.pixel((place[0], 0.0, place[1])), canvas.scale(*place)
    if foot is None or not -canvas.side < foot[0] < 2 * canvas.side:
        return
    depth, dice = canvas.depth(*place), canvas.scene.facts.dice(key)
    tall = height * scale
    trunk = (208, 206, 200) if kind == "birch" else (104, 82, 62)
    bark = canvas.tone(trunk, "around", depth)
    if crown is None:
        _paint_bare(canvas, foot, tall, canvas.tone(_BARE, "around", depth))
        return
    leaf, dark = (
        canvas.tone(crown, "around", depth),
        canvas.tone(scaled(crown, 0.72), "around", depth),
    )
    painter = _PAINTERS.get(kind, _paint_round)
    painter(canvas, dice, foot, tall, (bark, leaf, dark))


Ink = tuple[int, int, int]
Inks = tuple[Ink, Ink, Ink]
Pixel = tuple[float, float]


def _trunk(canvas: Canvas, foot: Pixel, up: float, width: float, ink: Ink) -> None:
    x, y = foot
    canvas.draw.polygon(
        [(x - width, y), (x + width, y), (x + width * 0.6, y - up), (x - width * 0.6, y - up)], ink
    )


def _blob(canvas: Canvas, x: float, y: float, wide: float, high: float, ink: Ink) -> None:
    canvas.draw.ellipse((x - wide, y - high, x + wide, y + high), fill=ink)


def _paint_bare(canvas: Canvas, foot: Pixel, tall: float, ink: Ink) -> None:
    _trunk(canvas, foot, tall * 0.5, tall * 0.02 + 0.5, ink)
    x, y = foot
    width = max(1, round(tall * 0.014))
    for turn in (-0.34, -0.2, -0.08, 0.08, 0.2, 0.34):
        start, end = (x, y - tall * 0.42), (x + turn * tall, y - tall * (1 - abs(turn) * 0.6))
        canvas.draw.line([start, end], fill=ink, width=width)
        half = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        canvas.draw.line([half, (end[0] - turn * tall * 0.6, end[1])], fill=ink, width=width)


def _paint_round(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    bark, leaf, dark = inks
    _trunk(canvas, foot, tall * 0.5, tall * 0.03 + 0.5, bark)
    x, y = foot[0], foot[1] - tall * 0.66
    _blob(canvas, x, y + tall * 0.05, tall * 0.3, tall * 0.27, dark)
    for _ in range(5):
        off, up = dice.between(-0.2, 0.2), dice.between(-0.2, 0.12)
        size = dice.between(0.1, 0.19) * tall
        _blob(canvas, x + off * tall, y + up * tall, size, size * 0.85, leaf)


def _paint_slim(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    bark, leaf, dark = inks
    _trunk(canvas, foot, tall * 0.2, tall * 0.02 + 0.5, bark)
    wide = tall * dice.between(0.08, 0.13)
    _blob(canvas, foot[0], foot[1] - tall * 0.55, wide, tall * 0.45, dark)
    _blob(canvas, foot[0] - wide * 0.2, foot[1] - tall * 0.57, wide * 0.65, tall * 0.4, leaf)


def _paint_spruce(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    bark, leaf, dark = inks
    _trunk(canvas, foot, tall * 0.2, tall * 0.02 + 0.5, bark)
    x, y = foot
    wide = tall * dice.between(0.18, 0.25)
    for step, ink in enumerate((dark, leaf, dark, leaf)):
        low, part = y - tall * (0.12 + 0.2 * step), 1 - 0.22 * step
        canvas.draw.polygon(
            [(x - wide * part, low), (x + wide * part, low), (x, low - tall * 0.3)], ink
        )


def _paint_flat_crown(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    bark, leaf, dark = inks
    _trunk(canvas, foot, tall * 0.85, tall * 0.025 + 0.5, bark)
    y = foot[1] - tall * 0.86
    _blob(canvas, foot[0], y, tall * 0.45, tall * 0.11, dark)
    _blob(canvas, foot[0] + dice.bell(0.04) * tall, y - tall * 0.04, tall * 0.38, tall * 0.08, leaf)


def _paint_palm(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    bark, leaf, dark = inks
    x, y = foot
    lean = dice.bell(0.06) * tall
    top = (x + lean, y - tall * 0.85)
    canvas.draw.line(
        [foot, (x + lean * 0.3, y - tall * 0.4), top], bark, max(1, round(tall * 0.04))
    )
    width = max(1, round(tall * 0.035))
    for turn in range(9):
        side, rise = (turn - 4) / 4, 0.16 - 0.05 * abs(turn - 4)
        middle = (top[0] + side * tall * 0.2, top[1] - rise * tall)
        end = (top[0] + side * tall * 0.34, top[1] + (0.14 - 0.5 * rise) * tall)
        canvas.draw.line([top, middle, end], leaf if turn % 2 else dark, width)


def _paint_banana(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    _, leaf, dark = inks
    x, y = foot
    for turn in range(-3, 4):
        end = (x + turn * 0.2 * tall, y - tall * (1 - 0.07 * turn * turn) * dice.between(0.85, 1))
        waist = tall * 0.07
        middle = ((x + end[0]) / 2, (y + end[1]) / 2 - 0.1 * tall)
        points = [foot, (middle[0] - waist, middle[1]), end, (middle[0] + waist, middle[1])]
        canvas.draw.polygon(points, leaf if turn % 2 else dark)


def _paint_bamboo(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    _, leaf, dark = inks
    width = max(1, round(tall * 0.02))
    for stalk in range(7):
        lean = (stalk - 3) * 0.07 + dice.bell(0.03)
        top = (foot[0] + lean * tall, foot[1] - tall * dice.between(0.8, 1))
        canvas.draw.line([(foot[0] + lean * tall * 0.4, foot[1]), top], dark, width)
        _blob(canvas, top[0], top[1] + tall * 0.12, tall * 0.06, tall * 0.2, leaf)


def _paint_jungle(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    _paint_round(canvas, dice, foot, tall, inks)
    for _ in range(4):
        off = dice.between(-0.4, 0.4) * tall
        _blob(canvas, foot[0] + off, foot[1] - tall * 0.1, tall * 0.15, tall * 0.12, inks[2])


def _paint_cactus(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    x, y = foot
    width = max(2, round(tall * 0.15))
    canvas.draw.line([foot, (x, y - tall)], inks[1], width)
    for side in (-1, 1):
        arm, up = x + side * tall * 0.25, y - tall * dice.between(0.35, 0.5)
        canvas.draw.line([(x, up), (arm, up), (arm, up - tall * 0.3)], inks[1], max(1, width - 2))


def _paint_shrub(canvas: Canvas, dice: Dice, foot: Pixel, tall: float, inks: Inks) -> None:
    for ink, up in ((inks[2], 0.35), (inks[1], 0.5)):
        _blob(
            canvas,
            foot[0] + dice.bell(0.1) * tall,
            foot[1] - tall * up,
            tall * 0.6,
            tall * 0.42,
            ink,
        )


_PAINTERS = {
    "poplar": _paint_slim,
    "cypress": _paint_slim,
    "spruce": _paint_spruce,
    "pine": _paint_flat_crown,
    "umbrella": _paint_flat_crown,
    "acacia": _paint_flat_crown,
    "palm": _paint_palm,
    "banana": _paint_banana,
    "bamboo": _paint_bamboo,
    "jungle": _paint_jungle,
    "cactus": _paint_cactus,
    "shrub": _paint_shrub,
    "hedge": _paint_shrub,
}
