"""Claims about what is seen over the end of the street."""

from dataclasses import replace

import numpy as np
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.skyline import paint_skyline
from streetclip.sampleworld.sun import Sun
from streetclip.sampleworld.world import Scene


def drawn(scene: Scene) -> np.ndarray:
    canvas = Canvas(scene, 64)
    paint_skyline(canvas)
    return np.asarray(canvas.image, dtype=int) @ np.ones(3, dtype=int)


def height_px(scene: Scene) -> int:
    return int(64 - np.nonzero(drawn(scene).any(axis=1))[0].min())


def village(scene: Scene) -> Scene:
    town = replace(scene.facts.town, population=900)
    return replace(scene, facts=replace(scene.facts, town=town))


def test_mountains_stand_in_the_andes_and_not_in_the_netherlands(make_scene: MakeScene) -> None:
    assert height_px(village(make_scene("BO"))) > 3 * height_px(village(make_scene("NL")))


def test_a_town_shows_the_same_skyline_twice(make_scene: MakeScene) -> None:
    first, second = (make_scene("NL", index=index, sun=Sun(40, 180)) for index in (1, 2))
    assert (drawn(first) == drawn(second)).all()


def test_another_city_has_another_skyline(make_scene: MakeScene) -> None:
    scene = make_scene("NL")
    other = replace(scene, facts=replace(scene.facts, town=replace(scene.facts.town, id=8)))
    assert (drawn(scene) != drawn(other)).any()


def test_the_skyline_turns_with_the_camera(make_scene: MakeScene) -> None:
    scene = make_scene("NL")
    turned = replace(scene, facts=replace(scene.facts, heading=130))
    assert (drawn(scene) != drawn(turned)).any()
