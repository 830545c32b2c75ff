"""Countries by ISO 3166-1 code: the name a prompt uses, its article, its other names."""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_TABLE = Path(__file__).parent / "tables" / "countries.csv"


@dataclass(frozen=True, slots=True)
class Country:
    """A country or territory with a code of its own (Kosovo has the user-assigned XK).

    Args:
        code: ISO 3166-1 alpha-2.
        alpha3: ISO 3166-1 alpha-3.
        name: Common English name in ASCII, without article, as prompts use it.
        article: Whether the name takes "the" in a sentence.
        synonyms: Other names and codes that tables use.
        continent: One of seven; Russia is in Europe, Turkey and Cyprus in Asia.
        drives_left: Whether traffic keeps to the left.
    """

    code: str
    alpha3: str
    name: str
    article: bool
    synonyms: tuple[str, ...]
    continent: str
    drives_left: bool

    @property
    def phrase(self) -> str:
        """The name as it stands after "in".

        Example:
            >>> countries()["NL"].phrase, countries()["FR"].phrase
            ('the Netherlands', 'France')
        """
        return f"the {self.name}" if self.article else self.name


@cache
def countries() -> Mapping[str, Country]:
    """All countries by alpha-2 code, in the order of the codes.

    Returns:
        A read-only mapping.

    Example:
        >>> countries()["CI"].name, countries()["NA"].name
        ('Ivory Coast', 'Namibia')
    """
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return MappingProxyType({row["code"]: _country(row) for row in rows})


def country_code(text: str) -> str | None:
    """The alpha-2 code that a code, name or synonym stands for.

    Case, accents, punctuation and a leading "the" do not matter.

    Args:
        text: What a table or a person wrote.

    Returns:
        An alpha-2 code, or None where nothing fits.

    Example:
        >>> country_code("Côte d’Ivoire"), country_code("the netherlands"), country_code("DEU")
        ('CI', 'NL', 'DE')
        >>> country_code("Atlantis") is None
        True
    """
    upper = text.strip().upper()
    if upper in countries():
        return upper
    return _codes_by_key().get(_key(text))


@cache
def countries_digest() -> str:
    """A digest of the name table, for what depends on how countries are called.

    Returns:
        64 hexadecimal digits; line endings do not change it.
    """
    text = _TABLE.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _country(row: Mapping[str, str]) -> Country:
    return Country(
        code=row["code"],
        alpha3=row["alpha3"],
        name=row["name"],
        article=row["article"] == "yes",
        synonyms=tuple(name for name in row["synonyms"].split(";") if name),
        continent=row["continent"],
        drives_left=row["drives_left"] == "yes",
    )


@cache
def _codes_by_key() -> Mapping[str, str]:
    """Keys of all names; an alpha-3 code never hides behind another country's synonym."""
    codes: dict[str, str] = {}
    for country in countries().values():
        for name in (country.name, country.alpha3, *country.synonyms):
            codes.setdefault(_key(name), country.code)
    return MappingProxyType(codes)


def _key(text: str) -> str:
    """Letters and digits alone, so that spellings of one name meet."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    plain = re.sub(r"['’ʼʻ`´]|(?<=\b\w)\.", "", plain)
    words = re.findall(r"[^\W_]+", plain)
    words = ["saint" if word == "st" else word for word in words]
    if len(words) > 1:
        words = words[1:] if words[0] == "the" else words
        words = words[:-1] if words[-1] == "the" else words
    return " ".join(words)
