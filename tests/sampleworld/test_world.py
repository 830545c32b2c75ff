"""Claims about how facts become parameters."""

from collections import Counter
from dataclasses import replace

import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld.world import draw_facts, scene_of

CODES = ("FR", "JP", "US", "NG", "BR")


def test_equal_seed_and_number_make_equal_scenes() -> None:
    assert scene_of(draw_facts(3, 17, CODES, "train")) == scene_of(
        draw_facts(3, 17, CODES, "train")
    )


def test_another_seed_makes_other_photographs() -> None:
    first = [draw_facts(1, index, CODES, "all") for index in range(10)]
    second = [draw_facts(2, index, CODES, "all") for index in range(10)]
    assert all(a.latitude != b.latitude for a, b in zip(first, second, strict=True))


def test_countries_take_turns() -> None:
    drawn = [draw_facts(1, index, CODES, "train").town.country for index in range(40)]
    assert Counter(drawn) == dict.fromkeys(CODES, 8)
    assert set(drawn[5:10]) == set(CODES)
    assert drawn[:5] != drawn[5:10]


def test_photographs_lie_within_a_kilometer_of_their_town() -> None:
    for index in range(50):
        facts = draw_facts(1, index, CODES, "all")
        assert abs(facts.latitude - facts.town.latitude) * 111 < 1
        assert abs(facts.longitude - facts.town.longitude) * 111 < 1
        assert 0 <= facts.heading < 360
        assert 1 <= facts.month <= 12


def test_a_region_favors_one_wall_color() -> None:
    facts = draw_facts(1, 0, ("FR",), "all")
    weights = scene_of(facts).wall_weights
    assert sorted(weights) == [1.0, 1.0, 1.0, 3.0]
    again = replace(facts, index=9, heading=7)
    assert scene_of(again).wall_weights == weights
    assert scene_of(again).accent == scene_of(facts).accent


def test_the_driver_usually_sits_on_the_side_of_traffic() -> None:
    def share_left(code: str) -> float:
        scenes = [scene_of(draw_facts(4, index, (code,), "all")) for index in range(200)]
        return sum(scene.camera.lateral_m < 0 for scene in scenes) / 200

    assert share_left("JP") > 0.7
    assert share_left("US") < 0.3


def test_the_street_is_where_the_camera_does_not_turn_away(make_scene: MakeScene) -> None:
    scene = make_scene()
    turned = replace(scene, camera=replace(scene.camera, yaw_deg=10.0))
    assert scene.road_heading == 40
    assert turned.road_heading == 30


@pytest.mark.parametrize(("population", "city"), [(900, 0.0), (60_000, 0.4), (9_000_000, 1.0)])
def test_larger_towns_are_more_of_a_city(
    make_scene: MakeScene, population: int, city: float
) -> None:
    scene = make_scene()
    town = replace(scene.facts.town, population=population)
    assert replace(scene, facts=replace(scene.facts, town=town)).city == pytest.approx(city)


def test_snow_lies_only_in_cold_winters() -> None:
    for index in range(200):
        scene = scene_of(draw_facts(1, index, ("RU", "BR", "FR"), "all"))
        if scene.snow:
            assert scene.climate.seasons == "snow"
            assert scene.season == "winter"
