"""Claims about the last step."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.finish import finish
from streetclip.sampleworld.sun import Sun
from streetclip.sampleworld.world import Scene


def finished(scene: Scene) -> np.ndarray:
    canvas = Canvas(replace(scene, contrast=1.0, sun=Sun(40, 100)), 32)
    canvas.image.paste(Image.new("RGB", canvas.image.size, (100, 100, 100)))
    return np.asarray(finish(canvas), dtype=float)


def test_the_picture_has_its_final_size(make_scene: MakeScene) -> None:
    assert finished(make_scene()).shape == (32, 32, 3)


def test_gains_set_exposure_and_white_balance(make_scene: MakeScene) -> None:
    mean = finished(make_scene(gains=(1.2, 1.0, 0.8))).mean(axis=(0, 1))
    assert mean == pytest.approx((120, 100, 80), abs=2)


def test_the_grain_is_that_of_the_photograph(make_scene: MakeScene) -> None:
    first, again, other = (finished(make_scene(index=index)) for index in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert first.std() > 0.5


def test_rain_is_seen(make_scene: MakeScene) -> None:
    dry, rain = (finished(make_scene(weather=weather)) for weather in ("fog", "rain"))
    assert rain.std() > dry.std()


def test_snow_falls_in_some_photographs_with_snow(make_scene: MakeScene) -> None:
    spread = [finished(make_scene(index=index, snow=True)).std() for index in range(16)]
    assert max(spread) > 3 * min(spread)
