"""Named filters: the value of a column becomes the words of a caption."""

import math
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from streetclip.errors import SampleError
from streetclip.geo.climate import CLIMATE_NAMES
from streetclip.geo.countries import countries, country_code

COMPASS_WORDS = ("north", "east", "south", "west")
MONTH_WORDS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
# Look-alikes that a byte-pair tokenizer would cut into rare pieces; the right-hand side is ASCII.
_ASCII_LOOKALIKES = str.maketrans(
    {**dict.fromkeys("’‘ʼʻ`´′", "'"), **dict.fromkeys("“”", '"'), **dict.fromkeys("‐‑–—", "-")}
)


def plain_text(value: Any) -> str:
    r"""Text as a tokenizer should see it: composed, ASCII quotes and dashes, single spaces.

    Args:
        value: Anything that `str` turns into words.

    Example:
        >>> plain_text("L’Aquila\n  Vecchia")
        "L'Aquila Vecchia"
    """
    text = unicodedata.normalize("NFC", str(value)).translate(_ASCII_LOOKALIKES)
    return " ".join(text.split())


def country(value: Any) -> str:
    """An ISO code (or any name of a country) becomes its name, with its article if it has one.

    Example:
        >>> country("NL"), country("FR")
        ('the Netherlands', 'France')
    """
    return countries()[_code(value)].phrase


def country_name(value: Any) -> str:
    """An ISO code (or any name of a country) becomes its name without an article.

    Example:
        >>> country_name("NL")
        'Netherlands'
    """
    return countries()[_code(value)].name


def compass(value: Any) -> str:
    """A heading in degrees clockwise from north becomes the nearest of four directions.

    Example:
        >>> [compass(heading) for heading in (0, 44.9, 45, 181, 315)]
        ['north', 'north', 'east', 'south', 'north']
    """
    heading = _number("heading", value)
    return COMPASS_WORDS[int((heading % 360 + 45) // 90) % 4]


def month(value: Any) -> str:
    """A month from 1 to 12 becomes its English name.

    Example:
        >>> month(2)
        'February'
    """
    number = _number("month", value)
    if number not in range(1, 13):
        raise SampleError("bad_metadata", f"month is {value!r}, not a whole number from 1 to 12")
    return MONTH_WORDS[int(number) - 1]


def climate(value: Any) -> str:
    """A Koeppen-Geiger code becomes words, by the table of the geo room.

    Example:
        >>> climate("Cfb") == CLIMATE_NAMES["Cfb"]
        True
    """
    if value not in CLIMATE_NAMES:
        raise SampleError("bad_metadata", f"climate is {value!r}, which is no Koeppen-Geiger code")
    return CLIMATE_NAMES[value]


def side(value: Any) -> str:
    """Whether people drive on the left becomes the side's name.

    Example:
        >>> side(True), side(False)
        ('left', 'right')
    """
    if not isinstance(value, bool):
        raise SampleError("bad_metadata", f"drives_left is {value!r}, not true or false")
    return "left" if value else "right"


def article(value: Any) -> str:
    """Words with the indefinite article before them, chosen by their first letter.

    Example:
        >>> article("oak"), article("beech")
        ('an oak', 'a beech')
    """
    text = plain_text(value)
    return f"{'an' if text[:1].lower() in tuple('aeiou') else 'a'} {text}"


def lower(value: Any) -> str:
    """Words in lower case.

    Example:
        >>> lower("Fagaceae")
        'fagaceae'
    """
    return str(value).lower()


FILTERS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "article": article,
        "climate": climate,
        "compass": compass,
        "country": country,
        "country_name": country_name,
        "lower": lower,
        "month": month,
        "side": side,
    }
)


def _code(value: Any) -> str:
    code = country_code(str(value))
    if code is None:
        raise SampleError("unknown_country", f"no country is called {value!r}")
    return code


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SampleError("bad_metadata", f"{name} is {value!r}, not a number")
    return float(value)
