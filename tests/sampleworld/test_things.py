"""Claims about boxes."""

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.things import box


def painted(canvas: Canvas) -> tuple[int, int, int, int] | None:
    return canvas.image.getbbox()


def test_a_box_covers_its_corners_and_nothing_else(canvas: Canvas) -> None:
    box(canvas, (-1.0, 0.7, 10.0), (1.0, 1.7, 12.0), (200, 10, 10))
    left, top, right, bottom = painted(canvas) or (0, 0, 0, 0)
    assert abs(left - (64 - 10.24)) < 2
    assert abs(right - (64 + 10.24)) < 2
    assert abs(top - 64) < 2
    assert abs(bottom - (64 + 10.24)) < 2


def test_a_box_behind_the_camera_is_not_drawn(canvas: Canvas) -> None:
    box(canvas, (-1.0, 0.0, -9.0), (1.0, 1.5, -5.0), (200, 10, 10))
    assert painted(canvas) is None


def test_the_top_is_seen_only_from_above(canvas: Canvas) -> None:
    green = (0, 250, 0)
    box(canvas, (-1.0, 0.0, 5.0), (1.0, 3.0, 8.0), (200, 10, 10), top=green)
    colors = {color for _, color in canvas.image.getcolors(9999) or []}
    assert not any(color[1] > 2 * color[0] for color in colors if isinstance(color, tuple))
    box(canvas, (-1.0, 0.0, 5.0), (1.0, 0.6, 8.0), (200, 10, 10), top=green)
    colors = {color for _, color in canvas.image.getcolors(9999) or []}
    assert any(color[1] > 2 * color[0] for color in colors if isinstance(color, tuple))
