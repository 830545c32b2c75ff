"""Tiny probe sets: photographs of one color, in folders that are named by it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLORS: Mapping[str, tuple[int, int, int]] = {
    "red": (200, 30, 30),
    "green": (30, 200, 30),
    "dark_blue": (20, 20, 110),
}


def write_tiny_probe(
    folder: Path, *, each: int = 4, colors: Sequence[str] = tuple(COLORS), side_px: int = 24
) -> Path:
    """Write a folder of subfolders of photographs with a little noise.

    Args:
        folder: Where they go.
        each: Photographs of each color.
        colors: Of `COLORS`.
        side_px: Of a photograph.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(5)
    for color in colors:
        (folder / color).mkdir(parents=True)
        for number in range(each):
            noise = rng.integers(-20, 20, (side_px, side_px, 3))
            pixels = np.clip(noise + np.array(COLORS[color]), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / color / f"{number}.png")
    return folder
