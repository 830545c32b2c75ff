"""The sky: its colors by sun and weather, the sun itself, and clouds."""

import math

import numpy as np
from PIL import Image

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.palette import Color, day, mix, scaled


def paint_sky(canvas: Canvas) -> None:
    """Fill the picture with the sky; what lies below the horizon is painted over later."""
    scene, side = canvas.scene, canvas.side
    dice = scene.facts.dice("sky")
    top, rows = _zenith(canvas, dice), max(2, int(canvas.horizon) + 2)
    ramp = np.linspace(0.0, 1.0, min(rows, side))[:, None] ** 0.8
    strip = np.asarray(top) * (1 - ramp) + np.asarray(canvas.haze) * ramp
    pixels = np.broadcast_to(strip[:, None, :], (len(strip), side, 3))
    sky = Image.fromarray(np.ascontiguousarray(pixels).astype(np.uint8))
    canvas.image.paste(sky, (0, 0))
    if scene.weather in ("clear", "cloudy"):
        _paint_sun(canvas)
    if scene.weather in ("cloudy", "overcast", "rain"):
        _paint_clouds(canvas, dice)


def _zenith(canvas: Canvas, dice: Dice) -> Color:
    scene = canvas.scene
    bright = day(scene.sun)
    if scene.weather in ("clear", "cloudy"):
        blue = mix((70, 120, 196), (124, 168, 214), dice.unit())
    else:
        blue = mix((150, 158, 168), (196, 199, 204), dice.unit())
    return scaled(mix((26, 32, 66), blue, bright), 0.5 + 0.5 * bright)


def _paint_sun(canvas: Canvas) -> None:
    sun, scene = canvas.scene.sun, canvas.scene
    right, up, along = sun.direction(scene.facts.heading)
    if along < 0.1 or sun.altitude_deg < -1:
        return
    x = canvas.side / 2 + canvas.focal * right / along
    y = canvas.horizon - canvas.focal * up / along
    warm = max(0.0, 1 - sun.altitude_deg / 20)
    for radius, share in ((0.09, 0.25), (0.055, 0.5), (0.03, 1.0)):
        size = radius * canvas.side
        color = mix(canvas.haze, mix((255, 252, 236), (255, 214, 140), warm), share)
        fill = tuple(min(255, int(part)) for part in color)
        canvas.draw.ellipse((x - size, y - size, x + size, y + size), fill=fill)


def _paint_clouds(canvas: Canvas, dice: Dice) -> None:
    bright = day(canvas.scene.sun)
    heavy = canvas.scene.weather != "cloudy"
    base = (176.0, 180.0, 188.0) if heavy else (240.0, 242.0, 244.0)
    shade = scaled(base, 0.3 + 0.7 * bright)
    for _ in range(dice.integer(5) + (6 if heavy else 3)):
        x, y = dice.between(-0.1, 1.1), dice.between(0.0, 0.85)
        width = dice.between(0.06, 0.16) * (1.6 if heavy else 1.0)
        fill_low = tuple(int(part * 0.94) for part in shade)
        fill = tuple(min(255, int(part)) for part in shade)
        for puff in range(4):
            size = width * (0.55 + 0.35 * math.sin(puff * 1.3 + 0.6)) * canvas.side
            left = x * canvas.side + (puff - 1.5) * width * 0.8 * canvas.side
            middle = y * canvas.horizon
            flat = 0.42 * size
            canvas.draw.ellipse((left - size, middle - flat, left + size, middle + flat), fill_low)
            canvas.draw.ellipse(
                (left - size * 0.9, middle - flat * 1.1, left + size * 0.9, middle + flat * 0.6),
                fill,
            )
