"""What is seen over the end of the street: mountains, and the towers of this very town.

Both are functions of the compass direction and a hash of the place, so two photographs of one town
show the same horizon, each the part that it faces.
"""

import math

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.palette import Color, mix, scaled

# Mountain country: height of the horizon in degrees, then latitude and longitude from and to.
_RANGES = (
    (7.0, -56, 11, -79, -66),  # Andes
    (5.0, 14, 24, -106, -88),  # Sierra Madre
    (5.0, 32, 62, -125, -105),  # Rocky Mountains
    (6.0, 44, 48, 6, 15),  # Alps
    (4.0, 36, 44, -9, 3),  # Iberia
    (4.0, 36, 47, 13, 30),  # Apennines, Balkans, Carpathians
    (6.0, 36, 44, 36, 50),  # Caucasus, eastern Anatolia
    (5.0, 26, 38, 44, 60),  # Zagros
    (8.0, 26, 40, 66, 98),  # Hindu Kush to Himalaya
    (4.0, 20, 34, 98, 112),  # Yunnan, Sichuan
    (4.5, 30, 46, 129, 146),  # Japan
    (4.0, 33, 43, 124, 130),  # Korea
    (4.0, 21, 26, 120, 122),  # Taiwan
    (4.5, 28, 36, -9, 9),  # Atlas
    (4.0, 5, 15, 35, 42),  # Ethiopia
    (3.0, -35, -25, 26, 33),  # Drakensberg
    (4.0, -47, -34, 165, 179),  # New Zealand
    (4.0, 57, 70, 5, 18),  # Scandes
    (3.0, -9, 20, 95, 127),  # Indonesia, Philippines
)


def paint_skyline(canvas: Canvas) -> None:
    """Draw what stands on the horizon."""
    facts = canvas.scene.facts
    height = _mountain_deg(facts.town.latitude, facts.town.longitude)
    if height > 0:
        _paint_mountains(canvas, height)
    _paint_towers(canvas)


def _mountain_deg(latitude: float, longitude: float) -> float:
    for height, south, north, west, east in _RANGES:
        if south <= latitude < north and west <= longitude < east:
            return height
    return 0.8


def _paint_mountains(canvas: Canvas, height: float) -> None:
    facts, side = canvas.scene.facts, canvas.side
    dice = Dice("mountains", facts.town.country, facts.town.region)
    waves = [(k, dice.between(0.3, 1.0) / k**0.7, dice.between(0, 6.28)) for k in (2, 5, 9, 17, 31)]
    for layer, share in ((0, 1.0), (1, 0.55)):
        points: list[tuple[float, float]] = [(-2, canvas.horizon + 2)]
        for column in range(-2, side + 8, 6):
            angle = math.radians(canvas.bearing(column))
            wave = sum(a * math.sin(k * angle + phase + layer) for k, a, phase in waves)
            rise = math.radians(max(0.1, height * share * (0.6 + 0.35 * wave))) * canvas.focal
            points.append((column, canvas.horizon - rise))
        points.append((side + 2, canvas.horizon + 2))
        rock = mix((92, 108, 84), (112, 112, 128), 0.6 - 0.4 * layer)
        canvas.draw.polygon(points, fill=canvas.tone(rock, "around", 500 - 220 * layer))


def _paint_towers(canvas: Canvas) -> None:
    scene = canvas.scene
    if scene.city < 0.4:
        return
    town = scene.facts.town
    dice = Dice("skyline", town.id)
    tall = dice.between(2.0, 5.0) * scene.city
    style = dice.choice(("slab", "slab", "step", "spire", "round"))
    slots = [(dice.unit() ** 2 * tall + 0.6, dice.between(0.5, 1.0)) for _ in range(90)]
    landmark = dice.integer(90)
    half = math.degrees(math.atan(canvas.side / 2 / canvas.focal)) + 4
    first = math.floor((scene.facts.heading - half) / 4)
    for slot in range(first, math.ceil((scene.facts.heading + half) / 4) + 1):
        rise, shade = slots[slot % 90]
        turn = math.radians(slot * 4 - scene.facts.heading)
        x = canvas.side / 2 + math.tan(turn) * canvas.focal
        is_landmark = slot % 90 == landmark
        color = scaled((150, 152, 160), shade)
        size = (math.radians(2.6 if is_landmark else 1.7 + shade), math.radians(rise))
        _tower(canvas, x, size, color, style)


def _tower(canvas: Canvas, x: float, size: tuple[float, float], color: Color, style: str) -> None:
    width, height = size[0] * canvas.focal, size[1] * canvas.focal
    fill, base = canvas.tone(color, "near", 260), canvas.horizon + 3
    top = base - height
    canvas.draw.rectangle((x - width / 2, top, x + width / 2, base), fill=fill)
    if style == "step":
        canvas.draw.rectangle((x - width / 4, top - height * 0.2, x + width / 4, top), fill=fill)
    if style == "spire":
        canvas.draw.polygon(
            [(x - width / 3, top), (x + width / 3, top), (x, top - height * 0.4)], fill
        )
    if style == "round":
        canvas.draw.ellipse((x - width / 2, top - width / 2, x + width / 2, top + width / 2), fill)
