"""Claims about colors and light."""

import pytest

from streetclip.sampleworld.palette import contrasting, day, light_of, mix
from streetclip.sampleworld.sun import Sun


def test_a_mix_goes_from_the_first_color_to_the_second() -> None:
    assert mix((0, 10, 20), (100, 10, 0), 0.25) == (25.0, 10.0, 15.0)


def test_ink_can_be_read_on_its_ground() -> None:
    assert sum(contrasting("blue")) > 600
    assert sum(contrasting("yellow")) < 150


def test_the_side_that_looks_to_the_sun_is_the_brighter_one() -> None:
    west = Sun(20, 270)
    light = light_of(west, 0.0, "clear")
    assert sum(light.faces["left"]) > 1.5 * sum(light.faces["right"])
    turned = light_of(west, 180.0, "clear")
    assert sum(turned.faces["right"]) == pytest.approx(sum(light.faces["left"]))


def test_there_are_no_shadows_in_the_rain_and_deep_ones_in_the_sun() -> None:
    assert light_of(Sun(50, 180), 0.0, "rain").shadow > 0.99
    assert light_of(Sun(50, 180), 0.0, "clear").shadow < 0.6


def test_the_day_ends_after_sunset() -> None:
    assert day(Sun(30, 0)) == 1.0
    assert 0.0 < day(Sun(0, 0)) < 1.0
    assert day(Sun(-10, 0)) == 0.0
