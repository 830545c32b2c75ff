"""Claims about countries and towns that are photographed."""

from collections import Counter

import pytest

from streetclip.errors import InputError
from streetclip.geo.countries import countries
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.towns import draw_town, ranked_countries, towns_of


def test_the_first_countries_are_large_and_of_all_continents() -> None:
    first = ranked_countries()[:48]
    assert {"CN", "IN", "US", "BR", "RU", "NG", "JP", "AU"} <= set(first)
    spread = Counter(countries()[code].continent for code in first)
    assert set(spread) == {
        "Africa",
        "Asia",
        "Europe",
        "North America",
        "South America",
        "Oceania",
    }
    assert max(spread.values()) <= 16


def test_no_country_is_ranked_twice_and_almost_all_are_ranked() -> None:
    ranked = ranked_countries()
    assert len(set(ranked)) == len(ranked) > 230


@pytest.mark.parametrize("code", ["FR", "JP", "SG", "LU", "VA"])
def test_no_town_is_in_both_halves_and_none_is_lost(code: str) -> None:
    train = {town.id for town in towns_of(code, "train")}
    val = {town.id for town in towns_of(code, "val")}
    assert not train & val
    assert train | val == {town.id for town in towns_of(code, "all")}
    assert train


def test_a_quarter_of_the_towns_is_for_validation() -> None:
    assert len(towns_of("DE", "val")) / len(towns_of("DE", "all")) == pytest.approx(0.25, abs=0.01)


def test_large_towns_are_drawn_more_often() -> None:
    dice = Dice("towns")
    drawn = Counter(draw_town(dice, "GB", "all").name for _ in range(2000))
    assert drawn.most_common(1)[0][0] == "London"


def test_an_unknown_half_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="got: test; allowed: train, val, all"):
        towns_of("FR", "test")
