"""One small picture of four colors, which every kind of image file shows in its own way."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 96, 64
RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 170, 60), (40, 60, 200), (220, 200, 60)
COLORS = (RED, GREEN, BLUE, YELLOW)
"""Upper left, upper right, lower left, lower right."""
Colors = tuple[tuple[int, int, int], ...]


def scene(colors: Colors = COLORS) -> Image.Image:
    """The picture, upright, RGB, 96 x 64 pixels."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    corners = [(rows, columns) for rows in _halves(HEIGHT) for columns in _halves(WIDTH)]
    for (rows, columns), color in zip(corners, colors, strict=True):
        pixels[rows, columns] = color
    return Image.fromarray(pixels)


def grays(levels: tuple[int, int, int, int]) -> Colors:
    """The four colors of a picture without color."""
    return tuple((level, level, level) for level in levels)


def brightness() -> Colors:
    """The four colors as their own grays, as Pillow weighs red, green and blue."""
    gray = np.asarray(scene().convert("L").convert("RGB"))
    return tuple(tuple(color) for color in seen_colors(gray).round().astype(int).tolist())


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of an image file."""
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 95} if kind == "JPEG" else {}) | options)
    return out.getvalue()


def seen_colors(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """The colors in the middle of the four quarters of a picture of any size.

    Args:
        pixels: [h, w, 3].

    Returns:
        [4, 3], in the order of `COLORS`.
    """
    height, width = pixels.shape[:2]
    middles = [
        pixels[y - 1 : y + 1, x - 1 : x + 1].reshape(-1, 3).mean(0)
        for y in (height // 4, 3 * height // 4)
        for x in (width // 4, 3 * width // 4)
    ]
    return np.array(middles, dtype=np.float64)


def _halves(length: int) -> tuple[slice, slice]:
    return slice(0, length // 2), slice(length // 2, length)
