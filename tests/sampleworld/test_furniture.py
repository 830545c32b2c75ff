"""Claims about what lines the road."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.furniture import LAMPS, plan_furniture
from streetclip.sampleworld.looks import look_of
from streetclip.sampleworld.world import Scene

BARE = replace(look_of("FR"), pole="none", lamp="none", bollard="none", fence="none")


def drawn(scene: Scene) -> np.ndarray:
    canvas = Canvas(scene, 64)
    for thing in sorted(plan_furniture(scene), key=lambda thing: -thing.z):
        thing.paint(canvas)
    return np.asarray(canvas.image, dtype=int)


def test_nothing_stands_on_the_road(make_scene: MakeScene) -> None:
    for code in ("GB", "JP", "US", "NL"):
        scene = make_scene(code)
        assert all(abs(thing.x) >= scene.road_half_m for thing in plan_furniture(scene))


@pytest.mark.parametrize(
    "trait",
    [
        *({"lamp": lamp} for lamp in LAMPS),
        *({"fence": fence} for fence in ("wall", "hedge", "picket", "rail", "chainlink")),
        *({"pole": pole} for pole in ("wood1", "wood3", "concrete2", "steel1")),
    ],
    ids=lambda trait: "-".join(trait.values()),
)
def test_every_word_of_the_table_is_seen(make_scene: MakeScene, trait: dict[str, Any]) -> None:
    bare = drawn(make_scene(look=BARE))
    assert (drawn(make_scene(look=replace(BARE, **trait))) != bare).any()


def test_bollards_have_the_colors_of_the_country(make_scene: MakeScene) -> None:
    looks = [replace(BARE, bollard=colors) for colors in ("yellow/black", "red/white")]
    yellow, red = (
        np.sum([drawn(make_scene(look=look, index=index)) for index in range(6)], axis=0)
        for look in looks
    )
    assert (yellow[..., 1] > red[..., 1]).sum() > 50


def test_lamps_glow_at_dusk(make_scene: MakeScene) -> None:
    look = replace(BARE, lamp="globe")
    scene = make_scene(look=look)
    dusk = replace(scene, sun=replace(scene.sun, altitude_deg=-3.0))
    assert drawn(dusk).max() > 250
