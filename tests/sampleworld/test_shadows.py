"""Claims about shadows."""

import numpy as np
import pytest
from PIL import Image
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.shadows import LONGEST_M, paint_shadows, shadow_offset
from streetclip.sampleworld.sun import Sun
from streetclip.sampleworld.things import Shadow, Thing


def darkened(make_scene: MakeScene, sun: Sun, **changes: object) -> np.ndarray:
    canvas = Canvas(make_scene(sun=sun, **changes), 64)
    canvas.image.paste(Image.new("RGB", canvas.image.size, (200, 200, 200)))
    post = Thing(0, 10, lambda canvas: None, Shadow(-0.2, 0.2, 9.8, 10.2, 2.0))
    paint_shadows(canvas, [post])
    return np.asarray(canvas.image)[..., 0] < 190


def test_the_shadow_falls_away_from_the_sun(make_scene: MakeScene) -> None:
    from_left = darkened(make_scene, Sun(30, 40 - 90))
    from_right = darkened(make_scene, Sun(30, 40 + 90))
    assert from_left[:, 70:].any()
    assert not from_left[:, :58].any()
    assert from_right[:, :58].any()
    assert not from_right[:, 70:].any()


def test_the_shadow_is_as_long_as_the_sun_is_low(make_scene: MakeScene) -> None:
    high = shadow_offset(Canvas(make_scene(sun=Sun(60, 130)), 16))
    low = shadow_offset(Canvas(make_scene(sun=Sun(20, 130)), 16))
    assert np.hypot(*high) == pytest.approx(1 / np.tan(np.radians(60)))
    assert np.hypot(*low) == pytest.approx(1 / np.tan(np.radians(20)))


def test_a_shadow_ends_somewhere_even_at_sunset(make_scene: MakeScene) -> None:
    dark = darkened(make_scene, Sun(2, 40))
    assert dark.any()
    assert LONGEST_M < 100


def test_there_is_no_shadow_without_sun(make_scene: MakeScene) -> None:
    assert not darkened(make_scene, Sun(40, 40), weather="rain").any()
    assert not darkened(make_scene, Sun(-4, 40)).any()
