"""Readers of the places that a protocol file names: countries, regions, a table of cities."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from streetclip.errors import CityTableError
from streetclip.geo.countries import countries, country_code
from streetclip.geo.gazetteer import Gazetteer
from streetclip.geo.simplemaps import CityTable, read_simplemaps
from streetclip.zeroshot.fields import Problems, near

Split = tuple[tuple[str, tuple[str, ...]], ...]
SOURCES = ("geonames", "simplemaps")
_DOWNLOAD = (
    "this protocol takes its cities from the table of SimpleMaps, which does not come with this "
    "package; download World Cities Database, Basic (CC-BY 4.0), from "
    "https://simplemaps.com/data/world-cities and name its worldcities.csv: as "
    "'NAME_OF_PROTOCOL@PATH', or as cities.table in a protocol of your own"
)


def asked_countries(value: Any, folder: Path, problems: Problems) -> tuple[tuple[str, ...], bool]:
    """The key ``countries``.

    Args:
        value: ``all``, a list of names or codes, or the name of a file that lists them.
        folder: Where the file is looked for.
        problems: Takes what is wrong.

    Returns:
        ISO codes in the order of the file, and whether it says ``all``.
    """
    if value == "all":
        return tuple(countries()), True
    codes: dict[str, str] = {}
    for name in _country_list(value, folder, problems):
        code = country_code(name)
        if code is None:
            problems.at("countries", unknown_country(name))
        elif code in codes:
            problems.at("countries", f"'{name}' and '{codes[code]}' are the same country")
        else:
            codes[code] = name
    return tuple(codes), False


def unknown_country(name: str) -> str:
    """What to say of a name that is no country's.

    Args:
        name: As the user wrote it.

    Example:
        >>> unknown_country("Germny")
        "no country 'Germny'; did you mean 'Germany' (DE)?"
    """
    known = {
        spelling.casefold(): country
        for country in countries().values()
        for spelling in (*country.synonyms, country.name)
    }
    close = get_close_matches(name.casefold(), list(known), 1, cutoff=0.7)
    hint = f"; did you mean '{known[close[0]].name}' ({known[close[0]].code})?" if close else ""
    return f"no country '{name}'{hint}"


def names(key: str, value: Any, problems: Problems) -> Mapping[str, str]:
    """Countries to the names that prompts use."""
    if not isinstance(value, dict):
        problems.at(key, "must map countries to the names that prompts use")
        return {}
    read = {}
    for country, name in value.items():
        code = country_code(str(country))
        if code is None:
            problems.at(key, unknown_country(str(country)))
        elif not isinstance(name, str) or not name.strip():
            problems.at(key, f"the name of '{country}' must be text")
        else:
            read[code] = name
    return MappingProxyType(read)


def split(key: str, value: Any, problems: Problems) -> Split:
    """Countries that are asked by region: a list of them, or a mapping to names of regions."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        value = dict.fromkeys(map(str, value), "all")
    if not isinstance(value, dict):
        problems.at(key, "must be a list of countries, or map them to all or to lists of regions")
        return ()
    read: dict[str, tuple[str, ...]] = {}
    for country, regions in value.items():
        code = country_code(str(country))
        if code is None:
            problems.at(key, unknown_country(str(country)))
        elif code in read:
            problems.at(key, f"'{country}' stands twice")
        else:
            read[code] = _region_names(f"{key}.{country}", regions, problems)
    return tuple(read.items())


def check_split(asked: Split, codes: tuple[str, ...], towns: Gazetteer, problems: Problems) -> None:
    """Name the split countries that are not asked, and the regions that are not there.

    Args:
        asked: From `split`.
        codes: The protocol's countries.
        towns: The table that cities come from.
        problems: Takes what is wrong.
    """
    for code, regions in asked:
        key = f"regions.split.{code}"
        if code not in codes:
            problems.at(key, "is not among the countries of the protocol")
            continue
        known = towns.regions_of(code)
        if not known:
            problems.at(key, "has no region with a town in the table of cities")
        for region in regions:
            if region not in known:
                problems.at(key, f"no region '{region}'; {near(region, known)}")


def city_table(document: Mapping[str, Any], folder: Path, problems: Problems) -> CityTable | None:
    """The table that the section ``cities`` names.

    Args:
        document: The file.
        folder: Where the table is looked for.
        problems: Takes what is wrong, also in the table.

    Returns:
        The table, or None where the protocol asks for our own or something is wrong.
    """
    cities = document.get("cities")
    cities = cities if isinstance(cities, dict) else {}
    table, source = cities.get("table"), cities.get("source")
    if table is None:
        if source == "simplemaps":
            problems.at("cities.table", _DOWNLOAD)
        return None
    if not isinstance(table, str):
        return None
    if source == "geonames":
        problems.at("cities.table", "is given, but cities.source is geonames, our own table")
    path = folder / table
    if not path.is_file():
        problems.at("cities.table", f"no file {path}")
        return None
    try:
        return read_simplemaps(path)
    except CityTableError as error:
        for problem in error.problems:
            problems.at(f"cities.table {path}", problem)
    return None


def _country_list(value: Any, folder: Path, problems: Problems) -> list[str]:
    if isinstance(value, str):
        path = folder / value
        if not path.is_file():
            problems.at("countries", f"'{value}' is neither 'all' nor a file (looked for {path})")
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        value = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        problems.at("countries", "must be 'all', a list of names or codes, or the name of a file")
        return []
    if not value:
        problems.at("countries", "the list is empty")
    return list(value)


def _region_names(key: str, value: Any, problems: Problems) -> tuple[str, ...]:
    if value is None or value == "all":
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(n, str) for n in value):
        problems.at(key, "must be all or a list of regions")
        return ()
    if len(set(value)) < len(value):
        problems.at(key, "the same region stands twice")
    return tuple(value)
