"""Patterns are filled as captions are spelled, and their mistakes are named."""

import pytest

from streetclip.zeroshot.prompts import fill, pattern_problems

CITY = "A photo of {city}[ in {region}], {country}."
SLOTS = ("city", "region", "country")


def test_a_bracketed_part_goes_out_where_its_name_is_unknown() -> None:
    names = {"city": "Monaco", "region": "", "country": "Monaco"}
    assert fill(CITY, names) == "A photo of Monaco, Monaco."
    assert fill(CITY, {**names, "region": "X"}) == "A photo of Monaco in X, Monaco."


def test_names_are_spelled_as_in_captions() -> None:
    assert fill("{city}.", {"city": "L’Aquila"}) == "L'Aquila."


def test_a_name_with_braces_is_not_a_slot() -> None:
    assert fill("{city}.", {"city": "{country}"}) == "{country}."


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("in {citty}", "unknown slot '{citty}'; did you mean '{city}'?"),
        ("in {zzz} {city}", "unknown slot '{zzz}'; allowed: city, region, country"),
        ("in {country}", "no slot '{city}'"),
        ("in[ {city}]", "no slot '{city}'"),
        ("{city} [in {region}", "its brackets or braces do not pair"),
        ("{city} {", "its brackets or braces do not pair"),
        ("{city} {}", "its brackets or braces do not pair"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_named(pattern: str, problem: str) -> None:
    assert problem in pattern_problems(pattern, allowed=SLOTS, required=["city"])


def test_a_good_pattern_has_no_problem() -> None:
    assert pattern_problems(CITY, allowed=SLOTS, required=["city"]) == []
