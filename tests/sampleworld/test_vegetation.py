"""Claims about what grows along the street."""

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.climate import CLIMATES
from streetclip.sampleworld.vegetation import CROWNS, paint_tree, plan_trees


@pytest.mark.parametrize("kind", sorted(CROWNS))
def test_every_tree_stands_on_its_foot_and_has_about_its_height(canvas: Canvas, kind: str) -> None:
    paint_tree(canvas, kind, (0.0, 20.0), 5.0, CROWNS[kind], "key")
    box = canvas.image.getbbox()
    foot, top = canvas.pixel((0, 0, 20)), canvas.pixel((0, 5, 20))
    assert box
    assert foot
    assert top
    assert box[3] == pytest.approx(foot[1], abs=4)
    assert box[1] == pytest.approx(top[1], abs=0.35 * (foot[1] - top[1]))


def test_a_bare_tree_has_no_leaves(canvas: Canvas) -> None:
    paint_tree(canvas, "round", (0.0, 10.0), 5.0, None, "key")
    picture = np.asarray(canvas.image, dtype=int)
    assert picture.any()
    assert not (picture[..., 1] > picture[..., 0] + 5).any()


def test_a_tree_behind_the_camera_is_left_out(canvas: Canvas) -> None:
    paint_tree(canvas, "palm", (0.0, -5.0), 5.0, CROWNS["palm"], "key")
    assert canvas.image.getbbox() is None


def test_trees_stand_beside_the_road(make_scene: MakeScene) -> None:
    scene = make_scene("SG")
    trees = plan_trees(scene)
    assert trees
    assert all(abs(tree.x) > scene.road_half_m for tree in trees)


def test_deserts_have_fewer_trees_than_rainforests(make_scene: MakeScene) -> None:
    def count(climate: str) -> int:
        scenes = (make_scene(index=i, climate=CLIMATES[climate]) for i in range(20))
        return sum(len(plan_trees(scene)) for scene in scenes)

    assert count("rainforest") > 1.8 * count("desert")
