import math
from typing import Any

import pytest

from streetclip.captions.filters import FILTERS, plain_text
from streetclip.errors import SampleError
from streetclip.geo.climate import CLIMATE_NAMES


@pytest.mark.parametrize(
    ("code", "phrase"),
    [
        ("FR", "France"),
        ("NL", "the Netherlands"),
        ("GB", "the United Kingdom"),
        ("US", "the United States"),
        ("DO", "the Dominican Republic"),
        ("CF", "the Central African Republic"),
        ("GM", "the Gambia"),
        ("CD", "the Democratic Republic of the Congo"),
    ],
)
def test_countries_get_their_name_with_article(code: str, phrase: str) -> None:
    assert FILTERS["country"](code).lower().startswith(phrase[:7].lower())
    assert FILTERS["country"](code).startswith("the ") == phrase.startswith("the ")


def test_countries_may_be_named_in_words() -> None:
    assert FILTERS["country"]("Netherlands") == FILTERS["country"]("NLD") == "the Netherlands"
    assert FILTERS["country_name"]("NL") == "Netherlands"


@pytest.mark.parametrize(
    ("heading", "word"),
    [
        (0, "north"),
        (44.9, "north"),
        (45, "east"),
        (134.9, "east"),
        (135, "south"),
        (224.9, "south"),
        (225, "west"),
        (314.9, "west"),
        (315, "north"),
        (360, "north"),
        (-90, "west"),
        (450, "east"),
    ],
)
def test_headings_become_the_nearest_direction(heading: float, word: str) -> None:
    assert FILTERS["compass"](heading) == word


def test_months_and_sides_and_climates_become_words() -> None:
    assert [FILTERS["month"](month) for month in (1, 6, 12.0)] == ["January", "June", "December"]
    assert [FILTERS["side"](left) for left in (True, False)] == ["left", "right"]
    assert FILTERS["climate"]("Cfb") == CLIMATE_NAMES["Cfb"]


def test_words_take_the_indefinite_article_of_their_first_letter() -> None:
    assert [FILTERS["article"](word) for word in ("oak", "Elm", "beech")] == [
        "an oak",
        "an Elm",
        "a beech",
    ]
    assert FILTERS["lower"]("Quercus ROBUR") == "quercus robur"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("country", "Atlantis", "unknown_country"),
        ("country_name", "XX", "unknown_country"),
        ("compass", "north", "bad_metadata"),
        ("compass", math.nan, "bad_metadata"),
        ("month", 13, "bad_metadata"),
        ("month", 1.5, "bad_metadata"),
        ("month", True, "bad_metadata"),
        ("side", "left", "bad_metadata"),
        ("climate", "Zzz", "bad_metadata"),
    ],
)
def test_values_that_mean_nothing_are_refused(name: str, value: Any, reason: str) -> None:
    with pytest.raises(SampleError, match=reason):
        FILTERS[name](value)


def test_text_is_composed_and_its_quotes_and_spaces_are_plain() -> None:
    assert plain_text("Sant’Angelo\u00a0 –\tRoma\n") == "Sant'Angelo - Roma"
    assert plain_text("Hawaiʻi") == "Hawai'i"
    assert plain_text("A\u030ar") == "\u00c5r"
    assert plain_text(7) == "7"
