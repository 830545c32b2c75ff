"""Claims about the sky."""

import numpy as np
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.sky import paint_sky
from streetclip.sampleworld.sun import Sun


def upper_half(canvas: Canvas) -> np.ndarray:
    paint_sky(canvas)
    return np.asarray(canvas.image, dtype=float)[:60]


def test_a_clear_sky_is_blue_and_a_covered_one_is_gray(make_scene: MakeScene) -> None:
    behind = Sun(45, 220)
    clear = upper_half(Canvas(make_scene(sun=behind), 64)).mean(axis=(0, 1))
    gray = upper_half(Canvas(make_scene(sun=behind, weather="fog"), 64)).mean(axis=(0, 1))
    assert clear[2] - clear[0] > 30
    assert abs(gray[2] - gray[0]) < 15


def test_the_sky_is_darker_after_sunset(make_scene: MakeScene) -> None:
    noon = upper_half(Canvas(make_scene(sun=Sun(45, 220)), 64)).mean()
    dusk = upper_half(Canvas(make_scene(sun=Sun(-5, 220)), 64)).mean()
    assert dusk < 0.7 * noon


def test_the_sun_is_seen_where_it_stands(make_scene: MakeScene) -> None:
    picture = upper_half(Canvas(make_scene(sun=Sun(15, 40)), 64))
    row, column = np.unravel_index(picture.sum(axis=2).argmax(), picture.shape[:2])
    assert abs(int(column) - 64) < 6
    assert abs(int(row) - (64 - 0.8 * 128 * np.tan(np.radians(15)))) < 6


def test_clouds_change_the_sky(make_scene: MakeScene) -> None:
    behind = Sun(45, 220)
    clear = upper_half(Canvas(make_scene(sun=behind), 64))
    cloudy = upper_half(Canvas(make_scene(sun=behind, weather="cloudy"), 64))
    assert (clear != cloudy).any()
