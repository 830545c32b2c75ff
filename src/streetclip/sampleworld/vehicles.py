"""Traffic: what drives and parks, on the side where it drives there."""

from dataclasses import dataclass

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.palette import PAINT, Color, mix, scaled
from streetclip.sampleworld.things import Shadow, Thing, box
from streetclip.sampleworld.world import Scene


@dataclass(frozen=True, slots=True)
class Body:
    """The boxes of a kind of vehicle, in meters.

    Args:
        width: Of the whole.
        length: Of the whole.
        hood: Height of the lower box.
        roof: Height of the upper box, equal to `hood` if there is none.
        cabin: Where the upper box begins and ends, as shares of the length from the rear.
        colors: What it is painted with.
    """

    width: float
    length: float
    hood: float
    roof: float
    cabin: tuple[float, float]
    colors: tuple[str, ...]


_ANY = ("white", "gray", "dark", "black", "red", "blue", "tin", "white")
BODIES = {
    "car": Body(1.75, 4.2, 0.85, 1.45, (0.12, 0.7), _ANY),
    "oldcar": Body(
        1.7, 4.4, 0.8, 1.4, (0.25, 0.72), ("turquoise", "red", "cream", "green", "pink")
    ),
    "suv": Body(1.95, 4.7, 1.05, 1.85, (0.0, 0.72), ("black", "white", "gray", "dark")),
    "pickup": Body(1.9, 5.2, 1.05, 1.8, (0.42, 0.78), ("white", "red", "gray", "blue")),
    "kei": Body(1.45, 3.2, 0.8, 1.7, (0.0, 0.85), ("white", "tin", "lightblue", "cream")),
    "van": Body(1.95, 5.2, 1.1, 2.3, (0.0, 0.85), ("white", "white", "gray", "yellow")),
    "minibus": Body(1.9, 5.0, 1.1, 2.2, (0.0, 0.94), ("white", "cream", "blue", "green")),
    "bus": Body(2.4, 9.0, 1.2, 3.0, (0.0, 1.0), ("red", "blue", "green", "orange")),
    "tram": Body(2.3, 12.0, 1.2, 3.2, (0.0, 1.0), ("red", "cream")),
    "doubledecker": Body(2.4, 9.0, 1.2, 4.2, (0.0, 1.0), ("red",)),
    "truck": Body(2.3, 6.8, 1.2, 3.1, (0.0, 0.76), ("white", "orange", "blue", "green")),
    "tuktuk": Body(1.35, 2.6, 0.8, 1.8, (0.0, 0.8), ("red", "blue", "green")),
    "rickshaw": Body(1.3, 2.5, 0.8, 1.75, (0.0, 0.8), ("green", "yellow", "black")),
    "motorbike": Body(0.6, 1.9, 0.75, 0.75, (0.0, 0.0), ("red", "black", "blue", "gray")),
    "bicycle": Body(0.4, 1.7, 0.6, 0.6, (0.0, 0.0), ("dark", "green", "red")),
    "horse": Body(1.4, 2.6, 0.9, 1.2, (0.0, 0.6), ("brown", "straw")),
}
_RIDDEN = ("motorbike", "bicycle")
_UNPLATED = ("bicycle", "horse", "tram")


def plan_vehicles(scene: Scene) -> list[Thing]:
    """Moving and parked vehicles; those on the near side show their rear."""
    dice, look = scene.facts.dice("traffic"), scene.look
    own = -1.0 if look.drives_left else 1.0
    things = []
    for lane, start in ((own, dice.between(6.5, 11.0)), (-own, dice.between(5.0, 14.0))):
        z = start
        while z < 55:
            if dice.chance(0.4 + 0.25 * scene.city):
                x = lane * scene.road_half_m * dice.between(0.35, 0.55)
                things.append(_vehicle(scene, dice, (x, z), away=lane == own))
            z += dice.between(9, 20)
    for lane in (own, -own):
        z = dice.between(4, 10)
        while z < 40 and scene.road_half_m > 3.5:
            if dice.chance(0.35):
                x = lane * (scene.road_half_m - 0.85)
                things.append(_vehicle(scene, dice, (x, z), away=lane == own))
            z += dice.between(6, 12)
    return [thing for thing in things if _clear_of_camera(scene, thing)]


def _clear_of_camera(scene: Scene, thing: Thing) -> bool:
    """Whether a vehicle leaves something else to be seen."""
    return thing.z > 9.5 or abs(thing.x - scene.camera.lateral_m) > 1.7


def _vehicle(scene: Scene, dice: Dice, place: tuple[float, float], *, away: bool) -> Thing:
    kind = dice.weighted(("car", *scene.look.traffic), (0.8, 2.0, 1.4, 1.0))
    body = BODIES[kind]
    color = PAINT[dice.choice(body.colors)]
    taxi = kind in ("car", "kei", "suv", "oldcar", "tuktuk") and dice.chance(0.35)
    if taxi:
        color = PAINT[scene.look.taxi]
    elif kind in ("bus", "minibus") and dice.chance(0.4):
        color = PAINT[scene.accent]
    x, z = place
    half = body.width / 2
    return Thing(
        x,
        z + body.length,
        lambda canvas: paint_vehicle(canvas, kind, place, color, away=away, taxi=taxi),
        Shadow(x - half, x + half, z, z + body.length, body.roof),
    )


def paint_vehicle(
    canvas: Canvas,
    kind: str,
    place: tuple[float, float],
    color: Color,
    *,
    away: bool,
    taxi: bool = False,
) -> None:
    """Draw a vehicle.

    Args:
        canvas: Where to.
        kind: A key of `BODIES`.
        place: x of its middle and z of its near end, meters.
        color: Of its paint.
        away: Whether it drives away, so that its rear is seen.
        taxi: Whether it has a sign on its roof.
    """
    x, z = place
    if canvas.depth(x, z) < 1.5:
        return
    body = BODIES[kind]
    half, far = body.width / 2, z + body.length
    _paint_wheels(canvas, x, z, body)
    if kind in _RIDDEN:
        _paint_rider(canvas, x, z, color)
    box(canvas, (x - half, 0.32, z), (x + half, body.hood, far), color)
    if body.roof > body.hood:
        start, end = body.cabin if away else (1 - body.cabin[1], 1 - body.cabin[0])
        low = (x - half * 0.92, body.hood, z + start * body.length)
        high = (x + half * 0.92, body.roof, z + end * body.length)
        _paint_cabin(canvas, kind, (low, high), color, away=away)
    _paint_end(canvas, kind, (x, z), body, away=away)
    if taxi:
        middle = z + body.length * 0.5
        box(
            canvas,
            (x - 0.3, body.roof, middle),
            (x + 0.3, body.roof + 0.22, middle + 0.2),
            PAINT["yellow"],
        )


def _paint_wheels(canvas: Canvas, x: float, z: float, body: Body) -> None:
    tire: Color = (28, 28, 30)
    half, wide = body.width / 2, min(0.28, body.width / 2)
    for near in (z + body.length * 0.72, z + body.length * 0.08):
        for left in (x - half, x + half - wide):
            box(canvas, (left, 0, near), (left + wide, 0.6, near + 0.6), tire)


def _paint_rider(canvas: Canvas, x: float, z: float, color: Color) -> None:
    shirt = mix(color, (200, 200, 196), 0.5)
    box(canvas, (x - 0.24, 0.75, z + 0.6), (x + 0.24, 1.4, z + 0.9), shirt)
    box(canvas, (x - 0.14, 1.4, z + 0.6), (x + 0.14, 1.72, z + 0.9), (44, 44, 52))


def _paint_cabin(
    canvas: Canvas,
    kind: str,
    corners: tuple[tuple[float, float, float], tuple[float, float, float]],
    color: Color,
    *,
    away: bool,
) -> None:
    low, high = corners
    if kind == "truck":
        box(canvas, low, high, mix(color, (226, 222, 212), 0.5))
        return
    open_sided = kind in ("tuktuk", "rickshaw", "horse")
    glass: Color = (40, 44, 50) if open_sided else (66, 78, 92)
    roof = scaled(PAINT["yellow"], 0.95) if kind == "rickshaw" else color
    box(canvas, low, (high[0], high[1] - 0.14, high[2]), glass)
    box(canvas, (low[0], high[1] - 0.16, low[2]), high, roof)
    if kind in ("van", "bus", "doubledecker", "minibus", "tram", "suv") and away:
        tall = high[1] - low[1]
        box(canvas, (low[0], low[1], low[2] - 0.02), (high[0], low[1] + tall * 0.35, low[2]), color)
    if kind == "doubledecker":
        middle = (low[1] + high[1]) / 2
        box(canvas, (low[0], middle, low[2] - 0.02), (high[0], middle + 0.5, high[2]), color)


def _paint_end(
    canvas: Canvas, kind: str, place: tuple[float, float], body: Body, *, away: bool
) -> None:
    """Lamps and plate of the end that is seen: red behind, white before."""
    x, z = place
    half = body.width / 2
    z -= 0.02
    lamp: Color = (230, 30, 26) if away else (255, 250, 226)
    if canvas.scene.sun.altitude_deg < 2:
        lamp = scaled(lamp, 4.0)
    size = 0.24 if body.width > 1 else 0.12
    for left in (x - half + 0.05, x + half - size - 0.05):
        _upright(canvas, (left, left + size), (body.hood - 0.3, body.hood - 0.08), z, lamp)
    if kind in _UNPLATED:
        return
    front, _, rear = _plates(canvas.scene.look.plate)
    wide = 0.36 if body.width > 1 else 0.16
    _upright(canvas, (x - wide, x + wide), (0.42, 0.68), z, PAINT[rear if away else front])


def _plates(word: str) -> tuple[str, str, str]:
    """Front plate, stroke, rear plate; `white-blue` is a white plate, its band is too small."""
    front, _, rear = word.partition("/")
    return front.split("-")[0], "/", (rear or front).split("-")[0]


def _upright(
    canvas: Canvas, across: tuple[float, float], up: tuple[float, float], z: float, color: Color
) -> None:
    (x0, x1), (y0, y1) = across, up
    canvas.face([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], color, "near")
