"""The ground: grass or dust, pavement, curb, the road, and the lines painted on it."""

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.palette import PAINT, Color, mix, scaled

FAR_M = 160.0
_SNOW: Color = (232, 236, 242)
_WORN = 0.25


def paint_ground(canvas: Canvas) -> None:
    """Draw everything that lies flat."""
    scene = canvas.scene
    dice = scene.facts.dice("ground")
    half, walk = scene.road_half_m, scene.pavement_m
    canvas.ground(-400, 400, -1, 900, _soil(canvas, dice))
    asphalt = mix((74, 75, 80), (134, 130, 126), dice.unit())
    if scene.look.center == "none" and scene.city < 0.5:
        asphalt = mix(asphalt, (168, 122, 86), dice.between(0.2, 0.7))
    paving = mix((168, 164, 158), (196, 182, 164), dice.unit())
    if scene.snow:
        asphalt, paving = mix(asphalt, _SNOW, 0.25), mix(paving, _SNOW, 0.7)
    if scene.weather == "rain":
        asphalt = scaled(asphalt, 0.75)
    canvas.ground(-half - walk, half + walk, -1, FAR_M, paving)
    canvas.ground(-half, half, -1, FAR_M, asphalt)
    _paint_cracks(canvas, dice, asphalt)
    for side in (-1.0, 1.0):
        _paint_curb(canvas, side * half, side)
        _paint_edge(canvas, side * (half - 0.35))
    _paint_center(canvas, dice)
    if scene.city > 0.3 and dice.chance(0.25):
        _paint_crossing(canvas, dice.between(7, 16), asphalt)


def _soil(canvas: Canvas, dice: Dice) -> Color:
    scene = canvas.scene
    green, dry = scene.climate.grass, scene.climate.dry_grass
    pale = scene.dry or scene.season == "winter"
    soil = mix(green, dry, dice.between(0.5, 1.0) if pale else dice.between(0.0, 0.4))
    return mix(soil, _SNOW, 0.9) if scene.snow else soil


def _paint_cracks(canvas: Canvas, dice: Dice, asphalt: Color) -> None:
    half = canvas.scene.road_half_m
    for _ in range(dice.integer(5)):
        x, z = dice.between(-half, half * 0.6), dice.between(2, 30)
        patch = scaled(asphalt, dice.between(0.82, 1.12))
        canvas.ground(x, x + dice.between(0.6, 1.6), z, z + dice.between(1, 6), patch)


def _paint_curb(canvas: Canvas, x: float, side: float) -> None:
    words = canvas.scene.look.curb.split("-")
    if words[0] == "none":
        return
    inner, outer = sorted((x, x + side * 0.4))
    if words[0] == "plain":
        canvas.ground(inner, outer, -1, 70, (186, 184, 178), height=0.1)
        return
    colors = [PAINT[word] for word in words]
    if len(colors) == 1:
        canvas.ground(inner, outer, -1, 70, mix(colors[0], (150, 150, 150), 0.15), height=0.1)
        return
    for step in range(32):
        color = mix(colors[step % 2], (150, 150, 150), 0.1)
        canvas.ground(inner, outer, 1 + step * 1.3, 2.3 + step * 1.3, color, height=0.1)


def _paint_edge(canvas: Canvas, x: float) -> None:
    edge = canvas.scene.look.edge
    if edge != "none":
        canvas.ground(x - 0.09, x + 0.09, -1, 90, _worn(canvas, edge))


def _worn(canvas: Canvas, name: str) -> Color:
    worn = mix(PAINT[name], (120, 118, 116), _WORN)
    return mix(worn, _SNOW, 0.5) if canvas.scene.snow else worn


def _paint_center(canvas: Canvas, dice: Dice) -> None:
    if canvas.scene.look.center == "none":
        return
    name, style = canvas.scene.look.center.split("-")
    color, width = _worn(canvas, name), 0.11
    if style == "double":
        for x in (-0.2, 0.2):
            canvas.ground(x - width / 2, x + width / 2, -1, 90, color)
    elif style == "solid":
        canvas.ground(-width, width, -1, 90, color)
    else:
        start = dice.between(-4, 0)
        for step in range(14):
            near = start + step * 6.0
            canvas.ground(-width, width, near, near + 3.0, color)


def _paint_crossing(canvas: Canvas, z: float, asphalt: Color) -> None:
    half = canvas.scene.road_half_m
    canvas.ground(-half, half, z, z + 2.6, asphalt)
    x = -half + 0.4
    while x < half - 0.5:
        canvas.ground(x, x + 0.5, z, z + 2.6, _worn(canvas, "white"))
        x += 1.0
