"""Checks the document of a protocol file; every problem is found before any is reported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streetclip.geo.gazetteer import load_gazetteer
from streetclip.zeroshot import fields, places
from streetclip.zeroshot.defects import apply_defects
from streetclip.zeroshot.fields import Problems, Reader
from streetclip.zeroshot.prompts import pattern_problems
from streetclip.zeroshot.settings import DECODINGS, LOSSES

_REQUIRED = ("countries", "country_prompts", "city_prompts")
# The first slot of each must stand outside of brackets.
_SLOTS = {
    "country_prompts": ("country",),
    "city_prompts": ("city", "region", "country"),
    "regions.prompts": ("region", "country"),
}


def parse_protocol(document: Any, *, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Check a document, and resolve its countries and its table of cities.

    Args:
        document: What the YAML file holds.
        folder: Where a file that it names is looked for.

    Returns:
        The arguments of `Protocol` (its sections as mappings), without its name, and the
        problems; the arguments are complete only if there is none.
    """
    problems = Problems()
    if not isinstance(document, dict):
        return {}, ["it must be a mapping of keys such as countries and city_prompts"]
    fields.check_keys(document, (*_READERS, "defects", "extends"), "", problems)
    for key in _REQUIRED:
        if key not in document:
            problems.append(f"key '{key}' is missing")
    given = {key: document[key] for key in _READERS if document.get(key) is not None}
    given["description"] = given.get("description", "")
    given.pop("source", None)
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key == "countries":
            asked = places.asked_countries(value, folder, problems)
            values["countries"], values["all_countries"] = asked
        else:
            values[key] = _READERS[key](key, value, problems)
    values["table"] = places.city_table(document, folder, problems)
    for key in ("table", "source"):
        values.get("cities", {}).pop(key, None)
    _check_decoding(values, problems)
    _check_regions(values, problems)
    return apply_defects(document, values, problems), list(problems)


def _check_decoding(values: Mapping[str, Any], problems: Problems) -> None:
    decoding = values.get("decoding", "greedy")
    for name in DECODINGS:
        if name in values and decoding in DECODINGS and name != decoding:
            problems.at(name, f"has no effect, because decoding is {decoding}")


def _check_regions(values: Mapping[str, Any], problems: Problems) -> None:
    regions = values.get("regions")
    if regions is None:
        return
    if not regions.get("split") and not regions.get("stage"):
        problems.at("regions", "has no effect without regions.split or regions.stage")
    if not regions.get("prompts"):
        problems.at("regions.prompts", "is missing")
    # Only names that the file spells out can be wrong, and reading the table takes a while.
    if regions.get("split") and "countries" in values:
        table = values.get("table")
        towns = load_gazetteer() if table is None else table.towns
        places.check_split(regions["split"], values["countries"], towns, problems)


def _prompts(key: str, value: Any, problems: Problems) -> tuple[str, ...]:
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


_CITIES: dict[str, Reader] = {
    "source": fields.one_of(places.SOURCES),
    "table": fields.text,
    "per_country": fields.whole,
    "total": fields.whole,
    "spacing_km": fields.number,
    "unique_names": fields.truth,
}
_REGIONS: dict[str, Reader] = {
    "split": places.split,
    "prompts": _prompts,
    "per_region": fields.whole,
    "stage": fields.truth,
}
_DISTANCE: dict[str, Reader] = {
    "radius_km": fields.radius,
    "inclusive": fields.truth,
    "geoscore_rounded": fields.truth,
}
_READERS: dict[str, Reader] = {
    "description": fields.text,
    "source": fields.text,
    "countries": fields.text,
    "names": places.names,
    "articles": fields.truth,
    "country_prompts": _prompts,
    "city_prompts": _prompts,
    "cities": fields.section(_CITIES),
    "regions": fields.section(_REGIONS),
    "decoding": fields.one_of(DECODINGS),
    "beam": fields.section({"countries": fields.whole_or_all}),
    "expected": fields.section({"loss": fields.one_of(LOSSES), "countries": fields.whole_or_all}),
    "distance": fields.section(_DISTANCE),
}
