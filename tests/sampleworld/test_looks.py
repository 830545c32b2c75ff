"""Claims about the looks of countries."""

from dataclasses import fields
from itertools import combinations

import pytest

from streetclip.geo.countries import countries
from streetclip.sampleworld.furniture import LAMPS
from streetclip.sampleworld.glyphs import GLYPHS
from streetclip.sampleworld.houses import ROOFS
from streetclip.sampleworld.looks import Look, look_of, looks
from streetclip.sampleworld.palette import COLORS, PAINT
from streetclip.sampleworld.signs import WARNINGS
from streetclip.sampleworld.vehicles import BODIES


def test_every_country_has_a_look_whose_words_can_be_drawn() -> None:
    for code in countries():
        look = look_of(code)
        assert look.code == code
        assert look.script in GLYPHS
        assert set(look.walls) | {look.roof_color} <= set(COLORS)
        assert look.roof in ROOFS
        assert {look.sign, look.taxi} <= set(PAINT)
        assert set(look.traffic) <= set(BODIES)
        assert look.warning in WARNINGS
        assert look.lamp in {*LAMPS, "none"}
        for word in (look.bollard, look.plate):
            assert word == "none" or set(word.replace("/", "-").split("-")) <= set(PAINT)
        assert look.floors[0] <= look.floors[1]
        assert 0 < look.density <= 1


@pytest.mark.parametrize(
    ("code", "left"),
    [("GB", True), ("JP", True), ("AU", True), ("TH", True), ("US", False), ("FR", False)],
)
def test_traffic_keeps_to_the_side_of_the_country(code: str, left: bool) -> None:
    assert look_of(code).drives_left is left


@pytest.mark.parametrize(
    ("code", "script"),
    [("RU", "cyrillic"), ("MN", "cyrillic"), ("JO", "arabic"), ("CY", "greek"), ("KR", "hangul")],
)
def test_signs_are_written_as_the_country_writes(code: str, script: str) -> None:
    assert look_of(code).script == script


def test_no_two_countries_of_the_table_look_nearly_the_same() -> None:
    traits = [field.name for field in fields(Look) if field.name not in ("code", "density")]
    for first, second in combinations(looks().values(), 2):
        differing = sum(getattr(first, name) != getattr(second, name) for name in traits)
        assert differing >= 5, (first.code, second.code)


def test_a_borrowed_look_is_always_the_same_and_the_countrys_own() -> None:
    assert "LS" not in looks()
    assert look_of("LS") == look_of("LS")
    assert look_of("LS").drives_left is countries()["LS"].drives_left
