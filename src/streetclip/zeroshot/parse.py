"""Checks the document of a protocol file; every problem is found before any is reported."""

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from streetclip.geo.countries import countries, country_code
from streetclip.zeroshot.prompts import pattern_problems

DECODINGS = ("greedy",)
_REQUIRED = ("countries", "country_prompts", "city_prompts")
_SLOTS = {"country_prompts": ("country",), "city_prompts": ("city", "region", "country")}


class _Problems(list[str]):
    """The problems of one file, each behind the key that it belongs to."""

    def at(self, key: str, text: str) -> None:
        self.append(f"{key}: {text}")


def parse_protocol(document: Any, *, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Check a document and resolve its countries.

    Args:
        document: What the YAML file holds.
        folder: Where a file that it names is looked for.

    Returns:
        The arguments of `Protocol` (``cities`` and ``distance`` as mappings), without its name,
        and the problems; the arguments are complete only if there is none.
    """
    problems = _Problems()
    if not isinstance(document, dict):
        return {}, ["it must be a mapping of keys such as countries and city_prompts"]
    _check_keys(document, _READERS, "", problems)
    for key in _REQUIRED:
        if key not in document:
            problems.append(f"key '{key}' is missing")
    given = {key: document[key] for key in _READERS if document.get(key) is not None}
    given["description"] = given.get("description", "")
    given.pop("source", None)
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key == "countries":
            values["countries"], values["all_countries"] = _countries(value, folder, problems)
        else:
            values[key] = _READERS[key](key, value, problems)
    return values, list(problems)


def _check_keys(
    given: Mapping[Any, Any], known: Collection[str], where: str, problems: _Problems
) -> None:
    for key in given:
        if key not in known:
            near = get_close_matches(str(key), list(known), 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
            problems.append(f"unknown key '{where}{key}'; {hint}")


def _countries(value: Any, folder: Path, problems: _Problems) -> tuple[tuple[str, ...], bool]:
    if value == "all":
        return tuple(countries()), True
    names = _country_list(value, folder, problems)
    codes: dict[str, str] = {}
    for name in names:
        code = country_code(name)
        if code is None:
            problems.at("countries", _unknown_country(name))
        elif code in codes:
            problems.at("countries", f"'{name}' and '{codes[code]}' are the same country")
        else:
            codes[code] = name
    return tuple(codes), False


def _country_list(value: Any, folder: Path, problems: _Problems) -> list[str]:
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


def _unknown_country(name: str) -> str:
    known = {
        spelling.casefold(): country
        for country in countries().values()
        for spelling in (*country.synonyms, country.name)
    }
    near = get_close_matches(name.casefold(), list(known), 1, cutoff=0.7)
    hint = f"; did you mean '{known[near[0]].name}' ({known[near[0]].code})?" if near else ""
    return f"no country '{name}'{hint}"


def _names(key: str, value: Any, problems: _Problems) -> Mapping[str, str]:
    if not isinstance(value, dict):
        problems.at(key, "must map countries to the names that prompts use")
        return {}
    names = {}
    for country, name in value.items():
        code = country_code(str(country))
        if code is None:
            problems.at(key, _unknown_country(str(country)))
        elif not isinstance(name, str) or not name.strip():
            problems.at(key, f"the name of '{country}' must be text")
        else:
            names[code] = name
    return MappingProxyType(names)


def _prompts(key: str, value: Any, problems: _Problems) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, list) or not patterns:
        problems.at(key, "must be a pattern or a list of patterns")
        return ()
    for pattern in patterns:
        if not isinstance(pattern, str):
            problems.at(key, f"'{pattern}' is no text")
            continue
        found = pattern_problems(pattern, allowed=_SLOTS[key], required=_SLOTS[key][:1])
        for problem in found:
            problems.at(key, f"'{pattern}': {problem}")
    if len({str(pattern) for pattern in patterns}) < len(patterns):
        problems.at(key, "the same pattern stands twice")
    return tuple(str(pattern) for pattern in patterns)


def _text(key: str, value: Any, problems: _Problems) -> str:
    if not isinstance(value, str):
        problems.at(key, f"must be text, not {value!r}")
    return " ".join(str(value).split())


def _truth(key: str, value: Any, problems: _Problems) -> bool:
    if not isinstance(value, bool):
        problems.at(key, f"must be true or false, not {value!r}")
    return bool(value)


def _whole(key: str, value: Any, problems: _Problems) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        problems.at(key, f"must be a whole number of 1 or more, not {value!r}")
        return 1
    return value


def _number(key: str, value: Any, problems: _Problems) -> float:
    # Written so that NaN, for which every comparison is false, is refused too.
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not 0 <= value < float("inf"):
        problems.at(key, f"must be a number of 0 or more, not {value!r}")
        return 0.0
    return float(value)


def _radius(key: str, value: Any, problems: _Problems) -> float:
    number = _number(key, value, problems)
    if number == 0:
        problems.at(key, "must be more than 0")
    return number


def _decoding(key: str, value: Any, problems: _Problems) -> str:
    if value not in DECODINGS:
        problems.at(key, f"'{value}' is unknown; allowed: {', '.join(DECODINGS)}")
    return str(value)


_Reader = Callable[[str, Any, _Problems], Any]


def _section(readers: Mapping[str, _Reader]) -> _Reader:
    """A reader of a mapping whose own keys have readers."""

    def read(key: str, value: Any, problems: _Problems) -> dict[str, Any]:
        if not isinstance(value, dict):
            problems.at(key, f"must be a mapping of {', '.join(readers)}")
            return {}
        _check_keys(value, readers, f"{key}.", problems)
        known = {name: item for name, item in value.items() if name in readers}
        return {
            name: readers[name](f"{key}.{name}", item, problems)
            for name, item in known.items()
            if item is not None
        }

    return read


_CITIES: dict[str, _Reader] = {
    "per_country": _whole,
    "total": _whole,
    "spacing_km": _number,
    "unique_names": _truth,
}
_DISTANCE: dict[str, _Reader] = {
    "radius_km": _radius,
    "inclusive": _truth,
    "geoscore_rounded": _truth,
}
_READERS: dict[str, _Reader] = {
    "description": _text,
    "source": _text,
    "countries": _text,
    "names": _names,
    "articles": _truth,
    "country_prompts": _prompts,
    "city_prompts": _prompts,
    "cities": _section(_CITIES),
    "decoding": _decoding,
    "distance": _section(_DISTANCE),
}
