"""Benchmark sets that are known by name, so that a result on a part of one says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


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
