"""Claims about the fronts of houses."""

from dataclasses import replace

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.facade import (
    Wall,
    paint_patches,
    paint_shop,
    paint_text,
    paint_texture,
    paint_windows,
)
from streetclip.sampleworld.looks import look_of, looks

RED = (220, 0, 0)


def facing_wall(z: float = 8.0) -> Wall:
    return Wall(-4.0, z, (1, 0), 8.0, 6.0, "near", (180, 170, 160))


def test_patches_lie_where_they_are_told(canvas: Canvas) -> None:
    paint_patches(canvas, facing_wall(10.0), [(3.0, 5.0, 0.7, 2.7, RED)])
    box = canvas.image.getbbox()
    assert box == pytest.approx((64 - 10.24, 64 - 10.24, 64 + 10.24, 64 + 10.24), abs=2)


def test_patches_that_pass_the_camera_are_still_drawn(canvas: Canvas) -> None:
    beside = Wall(3.0, 6.0, (0, -1), 12.0, 3.0, "left", (180, 170, 160))
    paint_patches(canvas, beside, [(0.0, 12.0, 0.0, 3.0, RED)])
    box = canvas.image.getbbox()
    assert box is not None
    assert box[2] == canvas.side


def test_no_patches_leave_the_picture_as_it_is(canvas: Canvas) -> None:
    paint_patches(canvas, facing_wall(), [])
    assert canvas.image.getbbox() is None


@pytest.mark.parametrize("windows", sorted({look.windows for look in looks().values()}))
def test_every_form_of_window_is_drawn_on_every_floor(make_scene: MakeScene, windows: str) -> None:
    look = replace(look_of("FR"), windows=windows)
    canvas = Canvas(make_scene(look=look), 64)
    paint_windows(canvas, facing_wall(), Dice("windows"))
    rows = np.asarray(canvas.image).sum(axis=(1, 2)) > 0
    first, second = canvas.pixel((0, 1.6, 8)), canvas.pixel((0, 4.6, 8))
    assert first
    assert second
    assert rows[int(first[1])]
    assert rows[int(second[1])]


@pytest.mark.parametrize("texture", sorted({look.texture for look in looks().values()}))
def test_every_texture_is_drawn_near_and_left_out_far_away(
    make_scene: MakeScene, texture: str
) -> None:
    look = replace(look_of("FR"), texture=texture)
    near, far = (Canvas(make_scene(look=look), 64) for _ in range(2))
    paint_texture(near, facing_wall(8.0))
    paint_texture(far, facing_wall(80.0))
    assert near.image.getbbox() is not None
    assert far.image.getbbox() is None


def test_a_shop_has_a_board_with_letters(canvas: Canvas) -> None:
    paint_shop(canvas, facing_wall(), Dice("shop"))
    top, bottom = canvas.pixel((0, 3.6, 8)), canvas.pixel((0, 2.7, 8))
    assert top
    assert bottom
    board = np.asarray(canvas.image)[int(top[1]) : int(bottom[1]) + 1]
    assert board.reshape(-1, 3).std(axis=0).max() > 20


def test_letters_too_small_to_be_read_are_left_out(canvas: Canvas) -> None:
    paint_text(canvas, facing_wall(200.0), (0.0, 6.0, 1.0, 2.0), RED, Dice("text"))
    assert canvas.image.getbbox() is None
