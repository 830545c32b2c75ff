"""The defects of the public reproduction, each a switch over one setting of a protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from streetclip.geo.distance import EARTH_RADIUS_KM
from streetclip.zeroshot.fields import Problems, check_keys, truth


@dataclass(frozen=True, slots=True)
class Defect:
    """What a switch does.

    Args:
        section: Key of the part of a protocol that it sets, ``""`` for the protocol itself.
        key: What it sets there.
        on: The value with the defect.
        off: The value that mends it.
        summary: What is wrong, in a sentence.
    """

    section: str
    key: str
    on: Any
    off: Any
    summary: str


# Source: zilunzhang/StreetCLIP-Repoduce, eval_img2gps.py; counts on SimpleMaps Basic 1.76 and the
# paper's 193 countries stand in docs/reproduction.md.
DEFECTS: Mapping[str, Defect] = MappingProxyType(
    {
        "city_by_name_alone": Defect(
            "cities",
            "by_name",
            True,
            False,
            "A city lies where the first row of its name in the whole table lies.",
        ),
        "whole_country_for_a_state": Defect(
            "regions",
            "whole_country",
            True,
            False,
            "A state that was answered gets the largest cities of the whole country.",
        ),
        "georgia_is_the_state": Defect(
            "regions",
            "collide",
            True,
            False,
            "The country Georgia is asked and answered as the state of that name.",
        ),
        "short_lists": Defect(
            "cities",
            "fill",
            False,
            True,
            "A country that has fewer cities in the table has a shorter list.",
        ),
        "equal_names": Defect(
            "cities",
            "unique_names",
            False,
            True,
            "A name that stands twice in a list is asked twice, and the second never answers.",
        ),
        "names_as_written": Defect(
            "cities",
            "as_written",
            True,
            False,
            "Prompts spell cities as the table does, with grave accents for apostrophes.",
        ),
        "half_precision": Defect(
            "", "half_precision", True, False, "Features and scores are rounded to fp16."
        ),
        "no_articles": Defect("", "articles", False, True, "Prompts name countries without 'the'."),
        "radius_6371": Defect(
            "distance",
            "radius_km",
            6371.0,
            EARTH_RADIUS_KM,
            "Distances are measured on a sphere of 6371 km.",
        ),
    }
)
_OF_REGIONS = tuple(name for name, defect in DEFECTS.items() if defect.section == "regions")


def apply_defects(
    document: Mapping[str, Any], values: dict[str, Any], problems: Problems
) -> dict[str, Any]:
    """Set what the switches of a protocol file say.

    Args:
        document: The file; its key ``defects`` maps names of `DEFECTS` to true or false, and what
            it does not name keeps the value of the file or the default.
        values: What was read from the file besides.
        problems: Takes unknown names, other values, switches without an effect, and settings that
            are given twice.

    Returns:
        `values` with the switched settings, and ``defects``, the names of those that are on.
    """
    given = document.get("defects")
    if given is None:
        return values
    if not isinstance(given, dict):
        problems.at("defects", f"must map names to true or false: {', '.join(DEFECTS)}")
        return values
    check_keys(given, DEFECTS, "defects.", problems)
    # A null takes a switch of the file that this one extends away.
    read = {
        name: truth(f"defects.{name}", given[name], problems)
        for name in DEFECTS
        if given.get(name) is not None
    }
    changed = dict(values)
    for name, is_on in read.items():
        defect = DEFECTS[name]
        _check_once(name, defect, document, problems)
        setting = defect.on if is_on else defect.off
        if defect.section:
            changed[defect.section] = {**changed.get(defect.section, {}), defect.key: setting}
        else:
            changed[defect.key] = setting
    if not changed.get("regions", {}).get("split"):
        for name in _OF_REGIONS:
            if read.get(name):
                text = "has no effect where no country is asked by region (regions.split)"
                problems.at(f"defects.{name}", text)
    changed["defects"] = tuple(name for name, is_on in read.items() if is_on)
    return changed


def _check_once(name: str, defect: Defect, document: Mapping[str, Any], problems: Problems) -> None:
    """A setting that stands beside its switch would be set twice."""
    place = document.get(defect.section) if defect.section else document
    if isinstance(place, dict) and place.get(defect.key) is not None:
        key = f"{defect.section}.{defect.key}" if defect.section else defect.key
        problems.at(f"defects.{name}", f"sets {key}, which is given too; keep one of them")
