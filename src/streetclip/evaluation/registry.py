"""Benchmark sets that are known by name, so that a result on a part of one says so."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from streetclip.shards.remote import is_url


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A published benchmark set.

    Args:
        title: As papers call it.
        photos: How many photographs it has.
    """

    title: str
    photos: int


KNOWN_SETS: Mapping[str, KnownSet] = MappingProxyType(
    {
        "im2gps": KnownSet("IM2GPS", 237),
        "im2gps3k": KnownSet("IM2GPS3K", 2_997),
        "yfcc4k": KnownSet("YFCC4K", 4_536),
        "yfcc26k": KnownSet("YFCC26K", 25_600),
        "osv5m": KnownSet("OSV-5M", 210_122),
        "country211": KnownSet("Country211", 21_100),
    }
)


def set_title(name: str, photos: int) -> str:
    """What a result on a set is called.

    Args:
        name: Of the set, as the user gave it.
        photos: Photographs that were evaluated.

    Returns:
        The title; it says if photographs of a published set are missing.

    Example:
        >>> set_title("val", 500)
        'val (500 photographs)'
        >>> set_title("im2gps3k", 2990)
        'IM2GPS3K (partial: 2,990 of 2,997 photographs)'
    """
    known = KNOWN_SETS.get(name.lower())
    if known is None:
        return f"{name} ({photos:,} photographs)"
    if photos != known.photos:
        return f"{known.title} (partial: {photos:,} of {known.photos:,} photographs)"
    return f"{known.title} ({photos:,} photographs)"


@dataclass(frozen=True, slots=True)
class NamedSource:
    """Photographs as a user names them.

    Args:
        name: What results call the set.
        path: Where it lies, or its URL.
        preset: Its kind, if the name is that of a published set.
    """

    name: str
    path: str
    preset: str | None = None


_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)=(.+)")


def parse_data(text: str) -> NamedSource:
    """Photographs that are named as ``NAME=PATH`` or ``PATH``.

    Args:
        text: As the user gave it; a path that exists is a path, whatever is in its name.

    Returns:
        The name before the sign, else the last part of the path or URL.

    Example:
        >>> parse_data("im2gps3k=photos/3k.csv")
        NamedSource(name='im2gps3k', path='photos/3k.csv', preset='im2gps3k')
        >>> parse_data("https://example.org/sets/mine?token=1").name
        'mine'
    """
    named = None if Path(text).exists() else _NAMED.fullmatch(text)
    if named is None:
        place = urlsplit(text).path if is_url(text) else text
        return NamedSource(Path(place).stem, text)
    known = named[1].lower()
    return NamedSource(named[1], named[2], known if known in KNOWN_SETS else None)
