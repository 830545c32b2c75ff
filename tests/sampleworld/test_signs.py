"""Claims about road signs."""

from dataclasses import replace

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.looks import look_of
from streetclip.sampleworld.palette import PAINT
from streetclip.sampleworld.signs import WARNINGS, plan_signs
from streetclip.sampleworld.sun import Sun


@pytest.mark.parametrize(("code", "side"), [("JP", -1), ("GB", -1), ("US", 1), ("FR", 1)])
def test_signs_stand_on_the_side_of_traffic(make_scene: MakeScene, code: str, side: int) -> None:
    signs = [sign for index in range(60) for sign in plan_signs(make_scene(code, index=index))]
    beside = [sign for sign in signs if sign.x]
    assert sum(sign.x * side > 0 for sign in beside) / len(beside) > 0.6


def test_signs_stand_off_the_road(make_scene: MakeScene) -> None:
    for index in range(20):
        scene = make_scene("FR", index=index)
        assert all(abs(s.x) > scene.road_half_m or s.x == 0 for s in plan_signs(scene))


@pytest.mark.parametrize("warning", sorted(WARNINGS))
def test_warnings_have_the_colors_of_their_form(make_scene: MakeScene, warning: str) -> None:
    look = replace(look_of("FR"), warning=warning)
    scene = make_scene(look=look, sun=Sun(40, 220))
    canvas = Canvas(scene, 64)
    for sign in plan_signs(scene):
        sign.paint(canvas)
    colors = {color for _, color in canvas.image.getcolors(99999) or []}
    for name in WARNINGS[warning]:
        tone = canvas.tone(PAINT[name], "near", 10.0)
        assert any(np.abs(np.subtract(color, tone)).max() < 12 for color in colors), name


def test_boards_carry_letters_that_contrast(make_scene: MakeScene) -> None:
    scene = make_scene("GB", sun=Sun(40, 220))
    canvas = Canvas(scene, 128)
    for sign in plan_signs(scene):
        sign.paint(canvas)
    assert np.asarray(canvas.image).std() > 10
