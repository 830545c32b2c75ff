"""What lies between scene and file: rain, fog, exposure, white balance, and the sensor's grain."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFilter

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.palette import day

_MIDDLE = 118.0


def finish(canvas: Canvas) -> Image.Image:
    """Turn the drawing into a photograph."""
    scene, dice = canvas.scene, canvas.scene.facts.dice("finish")
    if scene.weather == "rain":
        _paint_rain(canvas, dice)
    elif scene.snow and dice.chance(0.25):
        _paint_snowfall(canvas, dice)
    picture = canvas.finished()
    if dice.chance(0.3):
        picture = picture.filter(ImageFilter.GaussianBlur(dice.between(0.2, 0.6)))
    return Image.fromarray(_exposed(canvas, dice, np.asarray(picture)))


def _exposed(
    canvas: Canvas, dice: Dice, picture: UInt8[np.ndarray, "h w 3"]
) -> UInt8[np.ndarray, "h w 3"]:
    scene = canvas.scene
    # The camera makes up for most of the darkness of the evening, as cameras do.
    dusk = 1.0 + 0.7 * (1.0 - day(scene.sun))
    pixels = picture.astype(np.float32) * np.asarray(scene.gains, dtype=np.float32) * dusk
    pixels = (pixels - _MIDDLE) * scene.contrast + _MIDDLE
    grain = np.random.Generator(np.random.Philox(key=dice.integer(2**40)))
    strength = dice.between(1.0, 5.0)
    pixels += grain.standard_normal(picture.shape[:2], dtype=np.float32)[..., None] * strength
    exposed: UInt8[np.ndarray, "h w 3"] = np.clip(pixels, 0, 255).astype(np.uint8)
    return exposed


def _paint_rain(canvas: Canvas, dice: Dice) -> None:
    draw, side = ImageDraw.Draw(canvas.image, "RGBA"), canvas.side
    for _ in range(60):
        x, y = dice.between(0, side), dice.between(0, side)
        draw.line([(x, y), (x - 2, y + dice.between(6, 14))], fill=(220, 226, 234, 90), width=1)


def _paint_snowfall(canvas: Canvas, dice: Dice) -> None:
    draw, side = ImageDraw.Draw(canvas.image, "RGBA"), canvas.side
    for _ in range(120):
        x, y, size = dice.between(0, side), dice.between(0, side), dice.between(0.6, 2.0)
        draw.ellipse((x - size, y - size, x + size, y + size), fill=(246, 248, 252, 200))
