"""Road signs: direction boards in the country's color and script, warnings in its form."""

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.facade import Wall, paint_patches, paint_text
from streetclip.sampleworld.palette import PAINT, Color, contrasting
from streetclip.sampleworld.things import Painter, Thing, box
from streetclip.sampleworld.world import Scene

_STEEL: Color = (138, 142, 146)


def plan_signs(scene: Scene) -> list[Thing]:
    """A direction board and one or two warnings; now and then a board over the road."""
    dice = scene.facts.dice("signs")
    near = -1.0 if scene.look.drives_left else 1.0
    things = []
    if dice.chance(0.85):
        side = near if dice.chance(0.75) else -near
        x, z = side * (scene.road_half_m + dice.between(0.8, 1.6)), dice.between(6.5, 12.0)
        things.append(Thing(x, z, _direction_painter(scene, (x, z), dice.integer(1000))))
    for _ in range(1 + dice.integer(2)):
        side = near if dice.chance(0.75) else -near
        x, z = side * (scene.road_half_m + dice.between(0.5, 1.0)), dice.between(5.0, 15.0)
        things.append(Thing(x, z, _warning_painter(scene, (x, z))))
    if dice.chance(0.15 + 0.2 * scene.city):
        z = dice.between(16, 26)
        things.append(Thing(0.0, z, _gantry_painter(scene, z, dice.integer(1000))))
    return things


def _direction_painter(scene: Scene, place: tuple[float, float], key: int) -> Painter:
    def paint(canvas: Canvas) -> None:
        x, z = place
        box(canvas, (x - 0.06, 0, z), (x + 0.06, 2.0, z + 0.1), _STEEL)
        _board(canvas, (x - 1.15, 1.9), (2.3, 1.35), z, key)

    return paint


def _gantry_painter(scene: Scene, z: float, key: int) -> Painter:
    half = scene.road_half_m + 0.6

    def paint(canvas: Canvas) -> None:
        for x in (-half, half):
            box(canvas, (x - 0.12, 0, z), (x + 0.12, 6.0, z + 0.2), _STEEL)
        box(canvas, (-half, 5.8, z), (half, 6.0, z + 0.2), _STEEL)
        _board(canvas, (-2.6, 4.4), (5.2, 1.7), z, key)

    return paint


def _board(
    canvas: Canvas, corner: tuple[float, float], size: tuple[float, float], z: float, key: int
) -> None:
    """A painted board with a rim and two lines of lettering, turned to the camera."""
    scene = canvas.scene
    dice = scene.facts.dice(f"board {key}")
    (x, low), (width, height) = corner, size
    ground, ink = PAINT[scene.look.sign], contrasting(scene.look.sign)
    wall = Wall(x, z, (1, 0), width, low + height, "near", ground)
    rim = 0.07
    paint_patches(
        canvas,
        wall,
        [
            (0, width, low, low + height, ink),
            (rim, width - rim, low + rim, low + height - rim, ground),
        ],
    )
    line = (height - 0.3) / 2
    for row in range(2):
        top = low + height - 0.13 - row * (line + 0.04)
        paint_text(canvas, wall, (0.18, width - 0.18, top - line + 0.06, top), ink, dice)


def _warning_painter(scene: Scene, place: tuple[float, float]) -> Painter:
    def paint(canvas: Canvas) -> None:
        x, z = place
        box(canvas, (x - 0.05, 0, z), (x + 0.05, 2.0, z + 0.1), _STEEL)
        form = scene.look.warning.partition("-")[0]
        points = _TRIANGLE if form == "triangle" else _DIAMOND
        rim, ground = WARNINGS[scene.look.warning]
        for size, name in ((1.0, rim), (0.68 if form == "triangle" else 0.86, ground)):
            shape = [(x + a * size, 2.45 + b * size, z) for a, b in points]
            canvas.face(shape, PAINT[name], "near")
        bar = [(x - 0.07, 2.2, z), (x + 0.07, 2.2, z), (x + 0.07, 2.68, z), (x - 0.07, 2.68, z)]
        canvas.face(bar, PAINT["black"] if ground != "red" else PAINT["white"], "near")

    return paint


_TRIANGLE = ((-0.62, -0.42), (0.62, -0.42), (0.0, 0.7))
_DIAMOND = ((-0.62, 0.0), (0.0, -0.62), (0.62, 0.0), (0.0, 0.62))
# Rim and ground of a warning sign.
WARNINGS = {
    "triangle": ("red", "white"),
    "triangle-yellow": ("red", "yellow"),
    "triangle-red": ("black", "red"),
    "diamond": ("black", "yellow"),
    "diamond-orange": ("black", "orange"),
}
