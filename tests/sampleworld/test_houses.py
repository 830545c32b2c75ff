"""Claims about rows of houses."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.houses import ROOFS, House, paint_house, plan_houses


def house(**changes: object) -> House:
    plain = House(
        side=1.0,
        front=6.0,
        back=14.0,
        z0=12.0,
        z1=22.0,
        height=6.0,
        wall=(200, 190, 170),
        roof="flat",
        roof_color=(200, 40, 40),
        shop=False,
        key="house",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # the tests know the fields


def test_houses_stand_beyond_the_pavement_on_both_sides(make_scene: MakeScene) -> None:
    scene = make_scene("NL")
    shadows = [thing.shadow for thing in plan_houses(scene) if thing.shadow]
    edge = scene.road_half_m + scene.pavement_m
    assert all(shadow.x0 >= edge - 1e-9 or shadow.x1 <= -edge + 1e-9 for shadow in shadows)
    assert {shadow.x0 > 0 for shadow in shadows} == {True, False}


def test_houses_of_one_side_do_not_overlap(make_scene: MakeScene) -> None:
    shadows = [thing.shadow for thing in plan_houses(make_scene("US")) if thing.shadow]
    right = sorted((s.z0, s.z1) for s in shadows if s.x0 > 0)
    assert all(first[1] <= second[0] + 1e-9 for first, second in pairwise(right))


def test_dense_countries_are_built_up_more(make_scene: MakeScene) -> None:
    def built_m(code: str) -> float:
        shadows = [
            thing.shadow
            for index in range(12)
            for thing in plan_houses(make_scene(code, index=index))
            if thing.shadow
        ]
        return sum(shadow.z1 - shadow.z0 for shadow in shadows)

    assert built_m("NL") > 1.25 * built_m("US")


@pytest.mark.parametrize("roof", sorted(ROOFS))
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_every_roof_shows_its_color_above_the_walls(
    make_scene: MakeScene, roof: str, side: float
) -> None:
    canvas = Canvas(make_scene(), 64)
    paint_house(canvas, house(roof=roof, side=side, front=side * 6, back=side * 14))
    picture = np.asarray(canvas.image, dtype=int)
    red = (picture[..., 0] > 2 * picture[..., 1]) & (picture[..., 0] > 40)
    assert red.sum() > 15
    half = red[:, 64:] if side > 0 else red[:, :64]
    assert half.sum() == red.sum()


def test_snow_whitens_the_roofs(make_scene: MakeScene) -> None:
    def roofs(*, snow: bool) -> float:
        canvas = Canvas(make_scene("FR", snow=snow), 64)
        for thing in plan_houses(canvas.scene):
            thing.paint(canvas)
        return float(np.asarray(canvas.image, dtype=float).mean())

    assert roofs(snow=True) > roofs(snow=False)


def test_most_houses_of_a_region_have_its_favorite_color(make_scene: MakeScene) -> None:
    scene = make_scene("PH", wall_weights=(50.0, 0.1, 0.1, 0.1))
    other = make_scene("PH", wall_weights=(0.1, 0.1, 50.0, 0.1))

    def color(which: object) -> Counter[tuple[int, int, int]]:
        canvas = Canvas(which, 64)  # type: ignore[arg-type]  # a scene
        for thing in plan_houses(canvas.scene):
            thing.paint(canvas)
        mean = np.asarray(canvas.image, dtype=float).mean(axis=(0, 1))
        return Counter({(int(mean[0]), int(mean[1]), int(mean[2])): 1})

    assert color(scene) != color(other)


def test_a_house_behind_the_camera_is_left_out(canvas: Canvas) -> None:
    paint_house(canvas, house(z0=-20.0, z1=-10.0))
    assert canvas.image.getbbox() is None
