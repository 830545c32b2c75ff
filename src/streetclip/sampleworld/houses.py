"""Rows of houses along both sides of the street: bodies and roofs."""

from dataclasses import dataclass

from streetclip.sampleworld.canvas import Canvas, Point
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.facade import (
    FLOOR_M,
    Wall,
    paint_door,
    paint_shop,
    paint_texture,
    paint_windows,
)
from streetclip.sampleworld.palette import COLORS, Color, mix, scaled
from streetclip.sampleworld.things import Shadow, Thing
from streetclip.sampleworld.world import Scene

FAR_M = 85.0
_SNOW: Color = (236, 240, 246)


@dataclass(frozen=True, slots=True)
class House:
    """One house.

    Args:
        side: -1 on the left of the street, 1 on the right.
        front: x of its front wall, meters.
        back: x of its back wall.
        z0: Near end.
        z1: Far end.
        height: Of the walls.
        wall: Color of the walls.
        roof: Form of the roof.
        roof_color: Color of the roof.
        shop: Whether the ground floor is a shop.
        key: Of the draws for windows and door.
    """

    side: float
    front: float
    back: float
    z0: float
    z1: float
    height: float
    wall: Color
    roof: str
    roof_color: Color
    shop: bool
    key: str


def plan_houses(scene: Scene) -> list[Thing]:
    """The houses of both sides, in no order."""
    things: list[Thing] = []
    for side in (-1.0, 1.0):
        dice = scene.facts.dice(f"houses {side:.0f}")
        z = dice.between(-9.0, 0.0)
        setback = _setback(scene, dice)
        while z < FAR_M:
            width = _width(scene, dice)
            if dice.chance(scene.look.density + 0.1 * scene.city):
                things.append(_thing(_house(scene, dice, side, z, width, setback)))
            z += width + _gap(scene, dice)
    return things


def _setback(scene: Scene, dice: Dice) -> float:
    dense = scene.look.density > 0.82 or scene.city > 0.5
    return dice.between(0.0, 0.6) if dense else dice.between(1.5, 4.5)


def _width(scene: Scene, dice: Dice) -> float:
    if scene.look.texture == "narrow":
        return dice.between(3.6, 5.0)
    return dice.between(5.0, 8.0) if scene.look.roof == "front" else dice.between(7.0, 13.0)


def _gap(scene: Scene, dice: Dice) -> float:
    if scene.look.density + 0.15 * scene.city > 0.85:
        return 0.0 if dice.chance(0.8) else dice.between(1.5, 4.0)
    return dice.between(1.5, 6.0)


def _house(scene: Scene, dice: Dice, side: float, z: float, width: float, setback: float) -> House:
    look = scene.look
    low, high = look.floors
    floors = low + dice.integer(high - low + 1) + (dice.integer(2) if scene.city > 0.5 else 0)
    name = dice.weighted(look.walls, scene.wall_weights)
    wall = scaled(
        mix(COLORS[name], (200, 196, 188), dice.between(0, 0.25)), dice.between(0.88, 1.06)
    )
    roof = look.roof if dice.chance(0.85) else dice.choice(("flat", "gable", "hip"))
    roof_color = scaled(COLORS[look.roof_color], dice.between(0.85, 1.1))
    front = side * (scene.road_half_m + scene.pavement_m + setback)
    return House(
        side=side,
        front=front,
        back=front + side * dice.between(7.0, 10.0),
        z0=z,
        z1=z + width,
        height=floors * FLOOR_M + (0.9 if floors == 1 else 0.3),
        wall=wall,
        roof=roof,
        roof_color=mix(roof_color, _SNOW, 0.85) if scene.snow else roof_color,
        shop=dice.chance(0.22 + 0.25 * scene.city + 0.2 * (look.density > 0.82)),
        key=f"house {side:.0f} {z:.2f}",
    )


def _thing(house: House) -> Thing:
    low, high = sorted((house.front, house.back))
    shadow = Shadow(low, high, house.z0, house.z1, house.height + 0.8)
    return Thing(house.back, house.z1, lambda canvas: paint_house(canvas, house), shadow)


def paint_house(canvas: Canvas, house: House) -> None:
    """Draw a house: the end that looks to the camera, the front, the roof."""
    if canvas.depth(house.front, house.z1) < 0.5:
        return
    dice = canvas.scene.facts.dice(house.key)
    if house.z0 > 0.5:
        paint_wall(canvas, _end_wall(house))
    front = _front_wall(house)
    paint_wall(canvas, front)
    paint_texture(canvas, front)
    paint_windows(canvas, front, dice, first_floor=1 if house.shop else 0)
    if house.shop:
        paint_shop(canvas, front, dice)
    else:
        paint_door(canvas, front, dice)
    ROOFS[house.roof](canvas, house)


def paint_wall(canvas: Canvas, wall: Wall) -> None:
    """Fill a wall with its color."""
    corners = ((0.0, 0.0), (wall.width, 0.0), (wall.width, wall.height), (0.0, wall.height))
    canvas.face([wall.point(*corner) for corner in corners], wall.color, wall.face)


def _front_wall(house: House) -> Wall:
    width = house.z1 - house.z0
    if house.side > 0:  # Seen from the street, its left end is the far one.
        return Wall(house.front, house.z1, (0, -1), width, house.height, "left", house.wall)
    return Wall(house.front, house.z0, (0, 1), width, house.height, "right", house.wall)


def _end_wall(house: House) -> Wall:
    low, high = sorted((house.front, house.back))
    return Wall(low, house.z0, (1, 0), high - low, house.height, "near", house.wall)


def _street_face(house: House) -> str:
    return "left" if house.side > 0 else "right"


def _flat(canvas: Canvas, house: House) -> None:
    """A parapet, and the tank or hutch that stands on many flat roofs."""
    top, rim = house.height, house.height + 0.45
    front = house.front - house.side * 0.12
    color = house.roof_color
    street = [(front, top, house.z0), (front, rim, house.z0)]
    street += [(front, rim, house.z1), (front, top, house.z1)]
    canvas.face(street, color, _street_face(house))
    if house.z0 > 0.5:
        ends = (front, house.back)
        near = [
            (x, y, house.z0)
            for x, y in zip((*ends, *ends[::-1]), (top, top, rim, rim), strict=True)
        ]
        canvas.face(near, color, "near")


def _ridge(canvas: Canvas, house: House, inset: float, rise: float, over: float) -> None:
    """A roof with its ridge along the street; an inset ridge makes a hip, none a gable."""
    middle, top = (house.front + house.back) / 2, house.height + rise
    eave = house.front - house.side * over
    low = house.height - 0.15
    near, far = house.z0 - over * 0.6, house.z1 + over * 0.6
    ridge0, ridge1 = (middle, top, near + inset), (middle, top, far - inset)
    if house.z0 > 0.5:
        end: list[Point] = [(eave, low, near), ridge0, (house.back, low, near)]
        canvas.face(end, house.roof_color if inset else house.wall, "near")
    slope: list[Point] = [(eave, low, near), ridge0, ridge1, (eave, low, far)]
    canvas.face(slope, scaled(house.roof_color, 1.05), "around")
    edge = [(eave, low, near), (eave, low + 0.16, near), (eave, low + 0.16, far), (eave, low, far)]
    canvas.face(edge, scaled(house.roof_color, 0.6), _street_face(house))


def _gable(canvas: Canvas, house: House) -> None:
    _ridge(canvas, house, 0.0, 2.8, 0.35)


def _hip(canvas: Canvas, house: House) -> None:
    _ridge(canvas, house, (house.z1 - house.z0) * 0.32, 2.3, 0.5)


def _shed(canvas: Canvas, house: House) -> None:
    """One slope, down to the street."""
    eave = house.front - house.side * 0.7
    low, top = house.height - 0.3, house.height + 1.5
    if house.z0 > 0.5:
        end = [(eave, low, house.z0), (house.back, top, house.z0), (house.back, low, house.z0)]
        canvas.face(end, house.wall, "near")
    slope = [(eave, low, house.z0), (house.back, top, house.z0)]
    slope += [(house.back, top, house.z1), (eave, low, house.z1)]
    canvas.face(slope, house.roof_color, "around")


def _front(canvas: Canvas, house: House) -> None:
    """A gable to the street."""
    middle, low, top = (house.z0 + house.z1) / 2, house.height - 0.1, house.height + 3.2
    back = house.back
    slope = [(house.front, low, house.z0), (house.front, top, middle)]
    slope += [(back, top, middle), (back, low, house.z0)]
    canvas.face(slope, house.roof_color, "around")
    gable = [(house.front, low, house.z0), (house.front, top, middle), (house.front, low, house.z1)]
    canvas.face(gable, house.wall, _street_face(house))


def _mansard(canvas: Canvas, house: House) -> None:
    inner, low, top = house.front + house.side * 1.2, house.height, house.height + 2.6
    if house.z0 > 0.5:
        end = [(house.front, low, house.z0), (inner, top, house.z0)]
        end += [(house.back, top, house.z0), (house.back, low, house.z0)]
        canvas.face(end, house.roof_color, "near")
    slope = [(house.front, low, house.z0), (inner, top, house.z0 + 0.4)]
    slope += [(inner, top, house.z1 - 0.4), (house.front, low, house.z1)]
    canvas.face(slope, house.roof_color, _street_face(house))
    count = max(1, int((house.z1 - house.z0) / 3))
    middle = (house.front + inner) / 2 - house.side * 0.4
    for place in range(count):
        z = house.z0 + (place + 0.5) * (house.z1 - house.z0) / count
        dormer = [
            (middle, low + y, z + a) for y, a in ((0.5, -0.5), (2.0, -0.5), (2.0, 0.5), (0.5, 0.5))
        ]
        canvas.face(dormer, (220, 216, 206), _street_face(house))


def _pagoda(canvas: Canvas, house: House) -> None:
    """Two roofs over each other, with eaves far out."""
    _ridge(canvas, house, (house.z1 - house.z0) * 0.2, 1.2, 1.1)
    width = house.z1 - house.z0
    upper = House(
        house.side,
        house.front + house.side * 1.5,
        house.back - house.side * 1.5,
        house.z0 + width * 0.18,
        house.z1 - width * 0.18,
        house.height + 1.6,
        house.wall,
        house.roof,
        house.roof_color,
        house.shop,
        house.key,
    )
    _ridge(canvas, upper, 0.0, 2.8, 0.6)


def _dome(canvas: Canvas, house: House) -> None:
    _flat(canvas, house)
    middle = ((house.front + house.back) / 2, house.height, (house.z0 + house.z1) / 2)
    at, scale = canvas.pixel(middle), canvas.scale(middle[0], middle[2])
    if at is None or scale <= 0:
        return
    radius = 2.4 * scale
    fill = canvas.tone(house.roof_color, "around", canvas.depth(middle[0], middle[2]))
    canvas.draw.pieslice(
        (at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), 180, 360, fill
    )


ROOFS = {
    "flat": _flat,
    "gable": _gable,
    "hip": _hip,
    "shed": _shed,
    "front": _front,
    "mansard": _mansard,
    "pagoda": _pagoda,
    "dome": _dome,
}
