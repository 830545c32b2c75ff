"""Benchmark sets by name: what a user calls them, how many photographs they have, which lack."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from streetclip.errors import InputError, ShardError
from streetclip.manifest.presets import PRESETS
from streetclip.shards.cache import Cache
from streetclip.shards.layout import ShardSet, open_shard_set
from streetclip.shards.lists import BENCHMARK_OPTION
from streetclip.shards.remote import is_url

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# They say how a source looks and nothing about which photographs it holds.
_NAMELESS = frozenset({"own", "csv", "folder"})


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


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source of photographs as a user names it.

    Args:
        name: What results call the set.
        path: A shard set, its URL, a folder or a table.
        preset: How the source looks, where the user says so; one of `manifest.presets.PRESETS`.
    """

    name: str
    path: str
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class SetFacts:
    """What is known of a set besides its photographs.

    Args:
        name: What results call it.
        preset: How its source looked, or None.
        set_photos: Photographs that the published set, or else the source, has; None where nobody
            knows.
        missing: Names of photographs of the source that cannot be evaluated; those that are on the
            disk with the reason behind.
        surplus: Names of photographs on the disk that the source's table does not name.
    """

    name: str
    preset: str | None = None
    set_photos: int | None = None
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()


def parse_data(text: str) -> NamedSource:
    """What a user means by `--data NAME=PATH`, or by a plain path or URL.

    Args:
        text: `PRESET=PATH` for a source whose looks are known; any other `NAME=PATH` only gives
            the set a name; a path that exists is taken as it is, whatever letters it has.

    Returns:
        Name, path and preset.

    Raises:
        InputError: There is no path, or the name has letters that no name has.

    Example:
        >>> parse_data("im2gps3k=/data/im2gps3k")
        NamedSource(name='im2gps3k', path='/data/im2gps3k', preset='im2gps3k')
        >>> parse_data("csv=photos/oslo.csv")
        NamedSource(name='oslo', path='photos/oslo.csv', preset='csv')
        >>> parse_data("holiday=photos/oslo.csv")
        NamedSource(name='holiday', path='photos/oslo.csv', preset=None)
        >>> parse_data("photos/oslo.csv").name
        'oslo'
    """
    head, mark, path = text.partition("=")
    if not mark or "/" in head or Path(text).exists():
        return NamedSource(_last_part(text), _not_empty(text, text))
    if not _NAME.fullmatch(head):
        raise InputError(
            f"--data {text}: a set cannot be called {head!r}",
            allowed=f"letters, digits, _, . and -; or a preset: {', '.join(PRESETS)}",
        )
    preset = next((name for name in PRESETS if name == head.lower()), None)
    path = _not_empty(path, text)
    return NamedSource(_last_part(path) if preset in _NAMELESS else preset or head, path, preset)


def set_facts(
    folder: Path | str, *, name: str | None = None, cache: Cache | None = None
) -> SetFacts:
    """What a shard set says about the set that it was made of.

    Args:
        folder: Of the shard set, or its URL.
        name: What the user calls it; None is the last part of the path.
        cache: Where files from a URL are kept; None is the user's.

    Returns:
        The facts.

    Raises:
        ShardError: There is no shard set, or what it says is not what the builder writes.
    """
    shard_set = open_shard_set(folder, check_files=False, cache=cache)
    return facts_of(shard_set, name or shard_set.name)


def facts_of(shard_set: ShardSet, name: str) -> SetFacts:
    """The same of a shard set that is open.

    Args:
        shard_set: Built for a benchmark, or any other, of which only the name is known.
        name: What the user calls it.

    Returns:
        The facts.

    Raises:
        ShardError: What it says is not what the builder writes.
    """
    said = shard_set.options.get(BENCHMARK_OPTION)
    if said is None:
        known = KNOWN_SETS.get(name.lower())
        return SetFacts(name, None, known.photos if known else None)
    where = shard_set.location
    given = said if isinstance(said, Mapping) else {}
    preset, photographs = given.get("preset"), given.get("photographs")
    if not isinstance(preset, str | None) or type(photographs) is not int:
        raise ShardError(
            f"{where} says nothing clear about its benchmark set",
            got=str(said)[:100],
            remedy="build the shard set again",
        )
    known = KNOWN_SETS.get(preset or name.lower())
    return SetFacts(
        name,
        preset,
        known.photos if known else photographs,
        _names(given, "missing", where),
        _names(given, "surplus", where),
    )


def set_title(name: str, photos: int, *, set_photos: int | None = None, missing: int = 0) -> str:
    """What a result on a set is called.

    Args:
        name: Of the set, as the user gave it.
        photos: Photographs that were evaluated.
        set_photos: Photographs that the set has; None takes those of a published set of this name.
        missing: Photographs of the source that could not be evaluated.

    Returns:
        The title; it says if photographs are missing, or if there are more than were published.

    Example:
        >>> set_title("val", 500)
        'val (500 photographs)'
        >>> set_title("im2gps3k", 2990)
        'IM2GPS3K (partial: 2,990 of 2,997 photographs)'
        >>> set_title("im2gps3k", 3000)
        'IM2GPS3K (3,000 photographs, 2,997 were published)'
    """
    known = KNOWN_SETS.get(name.lower())
    title = name if known is None else known.title
    whole = set_photos if set_photos is not None or known is None else known.photos
    expected = max(whole or 0, photos + missing)
    if photos < expected:
        return f"{title} (partial: {photos:,} of {expected:,} photographs)"
    if whole is not None and photos > whole:
        return f"{title} ({photos:,} photographs, {whole:,} were published)"
    return f"{title} ({photos:,} photographs)"


def _names(given: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    names = given.get(field)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ShardError(
            f"{where} does not name its {field} photographs",
            got=str(names)[:100],
            remedy="build the shard set again",
        )
    return tuple(names)


def _last_part(path: str) -> str:
    """The last part of a path or URL, without its ending."""
    return Path(urlsplit(path).path if is_url(path) else path).stem


def _not_empty(path: str, text: str) -> str:
    if not path.strip():
        raise InputError(
            f"--data {text!r} names no photographs",
            allowed="PATH, or NAME=PATH",
        )
    return path
