"""Claims about lines and curbs, read from the pixels of the finished ground."""

from dataclasses import replace
from typing import Any

import numpy as np
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.looks import look_of
from streetclip.sampleworld.road import paint_ground
from streetclip.sampleworld.sun import Sun

NOON = Sun(70, 180)


def ground(make_scene: MakeScene, **look: Any) -> np.ndarray:
    plain = replace(look_of("FR"), center="none", edge="none", curb="plain")
    # This photograph has no zebra crossing, which would interrupt the lines.
    scene = make_scene(index=1, look=replace(plain, **look), sun=NOON, road_half_m=3.8)
    canvas = Canvas(scene, 64)
    paint_ground(canvas)
    return np.asarray(canvas.image, dtype=int)


def test_a_yellow_line_is_yellow_and_a_white_one_white(make_scene: MakeScene) -> None:
    yellow = ground(make_scene, center="yellow-solid")[120, 64]
    white = ground(make_scene, center="white-solid")[120, 64]
    assert yellow[0] - yellow[2] > 80
    assert abs(white[0] - white[2]) < 25
    assert white.min() > 150


def test_dashes_leave_gaps_that_solid_lines_do_not(make_scene: MakeScene) -> None:
    bare = ground(make_scene)[80:, 62:67].sum(axis=2)

    def marked(style: str) -> float:
        painted = ground(make_scene, center=style)[80:, 62:67].sum(axis=2)
        return float((painted != bare).any(axis=1).mean())

    assert marked("white-solid") == 1.0
    assert 0.3 < marked("white-dashed") < 0.95


def test_a_double_line_has_a_gap_in_its_middle(make_scene: MakeScene) -> None:
    row = ground(make_scene, center="yellow-double")[124]
    is_yellow = row[:, 0] - row[:, 2] > 60
    assert not is_yellow[64]
    assert is_yellow[50:64].any()
    assert is_yellow[65:78].any()


def test_edge_lines_are_drawn_on_both_sides(make_scene: MakeScene) -> None:
    changed = (ground(make_scene) != ground(make_scene, edge="white")).any(axis=(0, 2))
    assert changed[:50].any()
    assert changed[78:].any()


def test_striped_curbs_show_both_colors(make_scene: MakeScene) -> None:
    picture = ground(make_scene, curb="red-white")
    assert ((picture[..., 0] - picture[..., 1]) > 80).any()
    assert not ((ground(make_scene)[..., 0] - ground(make_scene)[..., 1]) > 80).any()
