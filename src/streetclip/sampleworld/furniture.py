"""What lines a street: poles with wires, lamps, posts, fences, and things that stand in the way."""

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.palette import COLORS, PAINT, Color, scaled
from streetclip.sampleworld.things import Painter, Shadow, Thing, box
from streetclip.sampleworld.world import Scene

_POLE_COLORS: dict[str, Color] = {
    "wood": (106, 84, 64),
    "concrete": (186, 182, 172),
    "steel": (120, 128, 136),
}
LAMPS = ("cobra", "bent", "double", "globe", "lantern")
_POLE_M = 8.0
_SPACING_M = 17.0


def plan_furniture(scene: Scene) -> list[Thing]:
    """Everything that stands along the road."""
    dice = scene.facts.dice("furniture")
    things = [*_poles(scene, dice), *_lamps(scene, dice), *_bollards(scene, dice)]
    return [*things, *_fences(scene, dice), *_clutter(scene, dice)]


def _poles(scene: Scene, dice: Dice) -> list[Thing]:
    word = scene.look.pole
    if word == "none":
        return []
    color, arms = _POLE_COLORS[word[:-1]], int(word[-1])
    side = 1.0 if dice.chance(0.5) else -1.0
    x = side * (scene.road_half_m + dice.between(0.5, 0.9))
    start = dice.between(4.0, 13.0)
    spots = [(x, start + place * _SPACING_M) for place in range(4)]
    return [
        Thing(x, z, _pole_painter((x, z), color, arms, wired=z < spots[-1][1]), _pole_shadow(x, z))
        for x, z in spots
    ]


def _pole_shadow(x: float, z: float) -> Shadow:
    return Shadow(x - 0.15, x + 0.15, z - 0.15, z + 0.15, _POLE_M)


def _pole_painter(place: tuple[float, float], color: Color, arms: int, *, wired: bool) -> Painter:
    return lambda canvas: _paint_pole(canvas, place, color, arms, wired=wired)


def _paint_pole(
    canvas: Canvas, place: tuple[float, float], color: Color, arms: int, *, wired: bool
) -> None:
    x, z = place
    box(canvas, (x - 0.15, 0, z - 0.15), (x + 0.15, _POLE_M, z + 0.15), color)
    wire = canvas.tone((44, 44, 48), "around", canvas.depth(x, z))
    for arm in range(arms):
        y = _POLE_M - 0.5 - arm * 1.1
        box(canvas, (x - 1.1, y, z - 0.1), (x + 1.1, y + 0.2, z + 0.1), scaled(color, 0.8))
        for off in (-1.0, -0.4, 0.4, 1.0) if wired else ():
            ends = [
                canvas.pixel((x + off, y + h, z + d))
                for h, d in ((0.2, 0), (-0.35, 8.5), (0.2, 17))
            ]
            canvas.draw.line([end for end in ends if end is not None], fill=wire, width=1)
    if canvas.scene.look.pole in ("wood2", "wood3", "concrete3"):
        box(canvas, (x + 0.15, 5.2, z - 0.3), (x + 0.75, 6.3, z + 0.3), (150, 154, 158))


def _lamps(scene: Scene, dice: Dice) -> list[Thing]:
    kind = scene.look.lamp
    if kind == "none":
        return []
    side = 1.0 if dice.chance(0.5) else -1.0
    x, start = side * (scene.road_half_m + 0.45), dice.between(5.0, 16.0)
    return [
        Thing(x, start + i * 20.0, _lamp_painter(kind, x, start + i * 20.0, side)) for i in range(3)
    ]


def _lamp_painter(kind: str, x: float, z: float, side: float) -> Painter:
    return lambda canvas: _paint_lamp(canvas, kind, (x, z), side)


def _paint_lamp(canvas: Canvas, kind: str, place: tuple[float, float], side: float) -> None:
    x, z = place
    high = 4.2 if kind in ("globe", "lantern") else 7.5
    color: Color = (60, 66, 70) if kind in ("globe", "lantern") else (160, 166, 170)
    dark = canvas.scene.sun.altitude_deg < 0.5
    glow: Color = (1500, 1300, 900) if dark else (238, 234, 214)
    box(canvas, (x - 0.08, 0, z - 0.08), (x + 0.08, high, z + 0.08), color)
    for way in (-side, side) if kind == "double" else (-side,):
        if kind == "globe":
            _ball(canvas, (x, high + 0.2, z), 0.42, glow)
        elif kind == "lantern":
            box(canvas, (x - 0.3, high, z - 0.3), (x + 0.3, high + 0.75, z + 0.3), glow, top=color)
        else:
            reach = x + way * (2.2 if kind == "cobra" else 1.5)
            rise = 0.5 if kind == "bent" else 0.0
            arm = [canvas.pixel((x, high, z)), canvas.pixel((reach, high + rise, z))]
            if arm[0] and arm[1]:
                fill = canvas.tone(color, "around", canvas.depth(x, z))
                canvas.draw.line([arm[0], arm[1]], fill, max(1, round(0.14 * canvas.scale(x, z))))
            low, up = sorted((reach, reach - way * 0.8))
            box(canvas, (low, high + rise - 0.12, z - 0.2), (up, high + rise + 0.1, z + 0.2), glow)


def _ball(canvas: Canvas, point: tuple[float, float, float], radius: float, color: Color) -> None:
    at, scale = canvas.pixel(point), canvas.scale(point[0], point[2])
    if at is not None:
        size = radius * scale
        fill = canvas.tone(color, "around", canvas.depth(point[0], point[2]))
        canvas.draw.ellipse((at[0] - size, at[1] - size, at[0] + size, at[1] + size), fill)


def _bollards(scene: Scene, dice: Dice) -> list[Thing]:
    if scene.look.bollard == "none" or dice.chance(0.15):
        return []
    body, band = (PAINT[word] for word in scene.look.bollard.split("/"))
    sides = (-1.0, 1.0) if dice.chance(0.5) else (dice.choice((-1.0, 1.0)),)
    start, gap = dice.between(3.0, 5.0), dice.between(3.0, 5.0)
    spots = [(s * (scene.road_half_m + 0.3), start + i * gap) for s in sides for i in range(7)]
    return [Thing(x, z, _bollard_painter(x, z, body, band)) for x, z in spots]


def _bollard_painter(x: float, z: float, body: Color, band: Color) -> Painter:
    def paint(canvas: Canvas) -> None:
        box(canvas, (x - 0.11, 0, z - 0.11), (x + 0.11, 1.15, z + 0.11), body)
        box(canvas, (x - 0.12, 0.65, z - 0.12), (x + 0.12, 0.95, z + 0.12), band)

    return paint


def _fences(scene: Scene, dice: Dice) -> list[Thing]:
    kind, things = scene.look.fence, []
    if kind == "none":
        return []
    for side in (-1.0, 1.0):
        x = side * (scene.road_half_m + scene.pavement_m + 0.02)
        z = dice.between(-2, 4)
        tint = dice.between(0.85, 1.1)
        while z < 45:
            length = dice.between(4, 9)
            if dice.chance(0.6):
                things.append(Thing(x, z + length, _fence_painter(kind, x, (z, z + length), tint)))
            z += length
    return things


def _fence_painter(kind: str, x: float, span: tuple[float, float], tint: float) -> Painter:
    def paint(canvas: Canvas) -> None:
        z0, z1 = max(span[0], 0.8), span[1]
        if kind == "wall":
            box(canvas, (x - 0.1, 0, z0), (x + 0.1, 1.5, z1), scaled((206, 196, 178), tint))
        elif kind == "hedge":
            box(canvas, (x - 0.3, 0, z0), (x + 0.3, 1.2, z1), scaled((66, 106, 52), tint))
        else:
            _paint_open_fence(canvas, kind, x, (z0, z1))

    return paint


def _paint_open_fence(canvas: Canvas, kind: str, x: float, span: tuple[float, float]) -> None:
    color = {"picket": COLORS["white"], "rail": (52, 58, 62), "chainlink": (150, 158, 160)}[kind]
    high, gap = (1.9, 1.2) if kind == "chainlink" else (1.1, 0.5)
    wide = 0.13 if kind == "picket" else 0.04
    face = "right" if x < 0 else "left"
    for y in (high * 0.3, high * 0.85):
        bar = [(x, y, span[0]), (x, y + 0.1, span[0]), (x, y + 0.1, span[1]), (x, y, span[1])]
        canvas.face(bar, color, face)
    z = span[0]
    while z < span[1] and z < 22:
        post = [(x, 0.0, z), (x, high, z), (x, high, z + wide * 2), (x, 0.0, z + wide * 2)]
        canvas.face(post, color, face)
        z += gap


def _clutter(scene: Scene, dice: Dice) -> list[Thing]:
    """Bins in the region's color, boxes and people; they hide what is behind them."""
    things = []
    for _ in range(dice.integer(5)):
        side = dice.choice((-1.0, 1.0))
        x = side * (scene.road_half_m + dice.between(0.5, scene.pavement_m))
        z = dice.between(4, 26)
        kind = dice.choice(("bin", "person", "person", "crate"))
        things.append(Thing(x, z, _clutter_painter(scene, kind, (x, z), dice.integer(1000))))
    return things


def _clutter_painter(scene: Scene, kind: str, place: tuple[float, float], key: int) -> Painter:
    def paint(canvas: Canvas) -> None:
        (x, z), dice = place, Dice("clutter", key)
        if kind == "bin":
            box(canvas, (x - 0.3, 0, z - 0.3), (x + 0.3, 1.0, z + 0.3), PAINT[scene.accent])
        elif kind == "crate":
            gray = dice.between(90, 190)
            box(
                canvas,
                (x - 0.5, 0, z - 0.4),
                (x + 0.5, 0.8, z + 0.4),
                (gray, gray * 0.9, gray * 0.8),
            )
        else:
            shirt = PAINT[dice.choice(sorted(PAINT))]
            box(canvas, (x - 0.16, 0, z - 0.1), (x + 0.16, 0.85, z + 0.1), (52, 54, 72))
            box(canvas, (x - 0.24, 0.85, z - 0.12), (x + 0.24, 1.45, z + 0.12), shirt)
            _ball(canvas, (x, 1.62, z), 0.15, scaled((214, 172, 142), dice.between(0.45, 1.1)))

    return paint
