"""Claims about whole photographs."""

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.looks import looks
from streetclip.sampleworld.scene import plan_things, render
from streetclip.sampleworld.world import draw_facts, scene_of


@pytest.mark.parametrize("size_px", [32, 128])
def test_a_photograph_is_square_and_not_empty(make_scene: MakeScene, size_px: int) -> None:
    picture = render(make_scene(), size_px)
    assert picture.size == (size_px, size_px)
    assert picture.mode == "RGB"
    assert np.asarray(picture).std() > 15


def test_near_things_are_drawn_last(make_scene: MakeScene) -> None:
    depths = [thing.z for thing in plan_things(make_scene())]
    assert depths == sorted(depths, reverse=True)


def test_the_same_scene_gives_the_same_pixels(make_scene: MakeScene) -> None:
    first, second = (np.asarray(render(make_scene("JP"), 64)) for _ in range(2))
    assert (first == second).all()


@pytest.mark.slow
@pytest.mark.parametrize("code", sorted(looks()))
def test_every_look_can_be_drawn_in_many_ways(code: str) -> None:
    for index in range(3):
        picture = render(scene_of(draw_facts(11, index, (code,), "all")), 32)
        assert np.asarray(picture).std() > 5
