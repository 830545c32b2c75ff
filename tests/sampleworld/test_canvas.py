"""Claims about perspective."""

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas


def test_a_point_at_eye_level_ahead_is_in_the_middle(canvas: Canvas) -> None:
    assert canvas.pixel((0.0, 1.7, 20.0)) == pytest.approx((64, 64))


def test_a_meter_at_ten_meters_is_a_tenth_of_the_focal_length(canvas: Canvas) -> None:
    assert canvas.scale(0.0, 10.0) == pytest.approx(0.8 * 128 / 10)
    at = canvas.pixel((1.0, 0.7, 10.0))
    assert at == pytest.approx((64 + 10.24, 64 + 10.24))


def test_what_is_behind_the_camera_is_not_seen(canvas: Canvas) -> None:
    assert canvas.pixel((0.0, 1.0, -3.0)) is None
    assert canvas.scale(0.0, -3.0) == 0.0
    assert canvas.pixels(np.array([[0.0, 1.0, 5.0], [0.0, 1.0, -1.0]])) is None


def test_many_points_are_seen_where_each_of_them_is(canvas: Canvas) -> None:
    points = [(1.0, 0.0, 4.0), (-3.0, 5.0, 11.0), (2.5, 1.0, 60.0)]
    together = canvas.pixels(np.array(points))
    assert together is not None
    for point, row in zip(points, together.tolist(), strict=True):
        assert canvas.pixel(point) == pytest.approx(tuple(row))


def test_a_shape_that_passes_the_camera_is_cut_off_at_it(canvas: Canvas) -> None:
    outline = canvas.outline([(-1, 0, -5), (1, 0, -5), (1, 0, 9), (-1, 0, 9)])
    assert len(outline) == 4
    assert all(y > 64 for _, y in outline)


def test_far_things_fade_into_the_haze(canvas: Canvas) -> None:
    near, far = canvas.tone((200, 0, 0), "up", 1.0), canvas.tone((200, 0, 0), "up", 1e6)
    assert near[0] > 2 * near[1]
    assert far == tuple(int(part) for part in canvas.haze)


def test_a_turned_camera_looks_past_the_end_of_the_street(make_scene: MakeScene) -> None:
    scene = make_scene()
    turned = type(scene.camera)(1.7, 0.0, 15.0, 0.0, 0.8)
    at = Canvas(make_scene(camera=turned), 64).pixel((0.0, 1.7, 100.0))
    assert at is not None
    assert at[0] < 64


def test_the_bearing_of_the_middle_is_the_heading(canvas: Canvas) -> None:
    assert canvas.bearing(64) == pytest.approx(40)
    assert canvas.bearing(128) == pytest.approx(40 + np.degrees(np.arctan(0.5 / 0.8)))
