"""The JSON of one sample: written from a manifest row, read back strictly.

Only what is known stands in it: an absent field means that nobody knows. Besides the fields named
here it holds the columns that the user declared.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from streetclip.errors import SampleError
from streetclip.geo.countries import country_code
from streetclip.records import ManifestRow

FIELDS = (
    "latitude",
    "longitude",
    "country",
    "region",
    "town",
    "heading",
    "month",
    "licence",
    "source",
    "climate",
    "drives_left",
)
MAX_METADATA_BYTES = 65_536
MAX_TEXT_CHARS = 2_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
# JSON may name one half of a character; no caption with it could be written anywhere.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MISSING = frozenset({"", "NaN"})
_TEXT_FIELDS = ("region", "town", "licence", "source", "climate")
_OSV5M_COUNTRY = "unique_country"
_OSV5M_TEXTS = {
    "unique_region": "region",
    "unique_sub-region": "sub_region",
    "unique_city": "town",
}


def encode_metadata(
    row: ManifestRow, *, climate: str | None = None, drives_left: bool | None = None
) -> bytes:
    """The JSON bytes of a row, the same for the same row on any machine.

    Args:
        row: A row whose labels are complete.
        climate: Koeppen-Geiger code such as ``"Cfb"``, or None where unknown.
        drives_left: Whether traffic keeps to the left, or None where unknown.

    Returns:
        UTF-8 JSON without line breaks; fields in the order of `FIELDS`, then declared columns.

    Example:
        >>> from streetclip.records import Place
        >>> row = ManifestRow("/a.jpg", "a.jpg", Place(48.85, 2.35, "FR", town="Paris"))
        >>> encode_metadata(row, drives_left=False).decode()
        '{"latitude":48.85,"longitude":2.35,"country":"FR","town":"Paris","drives_left":false}'
    """
    has_point = row.place.has_point
    values = {
        "latitude": row.place.latitude if has_point else None,
        "longitude": row.place.longitude if has_point else None,
        "country": row.place.country,
        "region": row.place.region,
        "town": row.place.town,
        "heading": row.heading,
        "month": row.month,
        "licence": row.licence,
        "source": row.source,
        "climate": climate,
        "drives_left": drives_left,
    }
    known = {name: value for name, value in values.items() if value is not None}
    text = json.dumps(known | dict(row.columns), ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def parse_metadata(raw: bytes, *, needs_point: bool = True) -> dict[str, Any]:
    """Reads the JSON of one sample, ours or of OSV-5M form, and trusts nothing in it.

    OSV-5M shards name their places ``unique_country``, ``unique_region``, ... and append the
    larger places to the smaller one's name (``"Waitangi_NaN_Chatham Islands_NZ"``); the string
    ``"NaN"`` means missing. Fields of such a sample that have no counterpart here are left out.

    Args:
        raw: The bytes of the JSON member.
        needs_point: Refuse a sample without coordinates; of those that are only measured, such as
            the photographs of Country211, the country alone may be known.

    Returns:
        The known fields: numbers as float or int, country as ISO 3166-1 alpha-2, the rest as text.

    Raises:
        SampleError: With a reason code; nothing of a bad sample is passed on.

    Example:
        >>> parse_metadata(b'{"latitude": 1, "longitude": 2, "unique_country": "NaN"}')
        {'latitude': 1.0, 'longitude': 2.0}
    """
    given = _load_object(raw)
    fields: dict[str, Any] = {}
    if needs_point or "latitude" in given or "longitude" in given:
        fields["latitude"] = _coordinate(given, "latitude", limit=90.0)
        fields["longitude"] = _coordinate(given, "longitude", limit=180.0)
    if any(name in given for name in (_OSV5M_COUNTRY, *_OSV5M_TEXTS)):
        fields |= _osv5m_fields(given)
    else:
        fields |= _own_fields(given)
    return {name: value for name, value in fields.items() if value is not None}


def _load_object(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_METADATA_BYTES:
        raise SampleError("metadata_too_large", f"{len(raw)} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SampleError("metadata_not_utf8", str(error)) from error
    try:
        given = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise SampleError("metadata_not_json", str(error)) from error
    if not isinstance(given, dict):
        raise SampleError("metadata_not_json", f"a {type(given).__name__}, not an object")
    return given


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        plain = (name if name.isprintable() else repr(name) for name in twice)
        raise SampleError("metadata_duplicate_field", ", ".join(plain)[:200])
    return fields


def _own_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"country": _country(given.get("country"))}
    fields |= {name: _text(given.get(name), name) for name in _TEXT_FIELDS}
    fields["heading"] = _number(given.get("heading"), "heading", low=0.0, high=360.0)
    fields["month"] = _month(given.get("month"))
    drives_left = given.get("drives_left")
    if drives_left is not None and not isinstance(drives_left, bool):
        raise SampleError("bad_drives_left", repr(drives_left)[:100])
    fields["drives_left"] = drives_left
    declared = {
        _text(name, "the name of a field"): _text(value, name)
        for name, value in given.items()
        if name not in FIELDS and isinstance(value, str)
    }
    return fields | {name: value for name, value in declared.items() if name is not None}


def _osv5m_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    raw_country = _text(given.get(_OSV5M_COUNTRY), _OSV5M_COUNTRY)
    fields: dict[str, Any] = {"country": _country(raw_country)}
    for theirs, ours in _OSV5M_TEXTS.items():
        fields[ours] = _first_part(_text(given.get(theirs), theirs), raw_country)
    return fields


def _first_part(text: str | None, country: str | None) -> str | None:
    """The place itself, without the larger places that OSV-5M appends to make names unique."""
    if text is not None and country is not None and text.endswith(f"_{country}"):
        text = text.split("_", 1)[0]
    return None if text is None or text in _MISSING else text


def _coordinate(given: Mapping[str, Any], name: str, *, limit: float) -> float:
    value = given.get(name)
    if value is None or (isinstance(value, str) and value in _MISSING):
        raise SampleError("no_coordinates", f"no {name}")
    number = _number(value, name, low=-limit, high=limit)
    assert number is not None
    return number


def _number(value: object, name: str, *, low: float, high: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SampleError(f"bad_{name}", f"{repr(value)[:100]} is no number")
    if not low <= value <= high:  # also refuses NaN, for which every comparison is false
        raise SampleError(f"bad_{name}", f"{repr(value)[:100]} is not {low:g} to {high:g}")
    return float(value)


def _month(value: object) -> int | None:
    number = _number(value, "month", low=1, high=12)
    if number is None:
        return None
    if number != int(number):
        raise SampleError("bad_month", f"{value} is no whole number")
    return int(number)


def _text(value: object, name: str) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str):
        raise SampleError("bad_text", f"{name} is {repr(value)[:100]}")
    if len(value) > MAX_TEXT_CHARS:
        raise SampleError("text_too_long", f"{name} has {len(value)} characters")
    if _CONTROL.search(value):
        raise SampleError("newline_in_text", f"{name} is {value[:100]!r}")
    if _SURROGATE.search(value):
        raise SampleError("bad_text", f"{name} is {value[:100]!r}, half a character of UTF-16")
    return None if value in _MISSING else value


def _country(value: object) -> str | None:
    text = _text(value, "country")
    if text is None:
        return None
    code = country_code(text)
    if code is None:
        raise SampleError("unknown_country", text[:100])
    return code
