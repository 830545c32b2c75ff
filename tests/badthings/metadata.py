"""Metadata that are broken, odd, or an attack, and what has to become of each.

`BAD_METADATA` lists them.
"""

import json
from dataclasses import dataclass, field
from typing import Any

_PLACE = '"latitude": 48.85, "longitude": 2.35'


@dataclass(frozen=True)
class BadMetadata:
    """The JSON of one sample.

    Args:
        name: What it is, as an id of a test.
        raw: Its bytes.
        reason: The code with which `verify` and training refuse it; None where they use it.
        fields: Where it is used: some of what is read from it.
        needs_caption: The parser and so the index take it; only captions cannot be written.
    """

    name: str
    raw: bytes
    reason: str | None
    fields: dict[str, Any] = field(default_factory=dict)
    needs_caption: bool = False

    @property
    def index_reason(self) -> str | None:
        """The code with which the index of a tar refuses it."""
        return None if self.needs_caption else self.reason


def _text(name: str, text: str, reason: str | None, **fields: Any) -> BadMetadata:
    return BadMetadata(name, text.encode(), reason, fields)


def _field(name: str, text: str, reason: str) -> BadMetadata:
    """A good sample in France, and one field more that is not good."""
    return _text(name, f'{{{_PLACE}, "country": "FR", {text}}}', reason)


def _osv5m(**fields: object) -> bytes:
    place = {"latitude": -43.8, "longitude": -176.6, "unique_country": "NZ"}
    return json.dumps(place | fields).encode()


HANDLED = (
    _text("whole-degrees", '{"latitude": 48, "longitude": 2, "country": "FR"}', None, latitude=48),
    _text("country-by-name", f'{{{_PLACE}, "country": "France"}}', None, country="FR"),
    _text("null-town", f'{{{_PLACE}, "country": "FR", "town": null}}', None, country="FR"),
    _text("unknown-field", f'{{{_PLACE}, "country": "FR", "sequence": [1, 2]}}', None),
    BadMetadata(
        "osv5m-missing-words",
        _osv5m(unique_region="NaN", unique_city="NaN"),
        None,
        {"country": "NZ"},
    ),
    BadMetadata(
        "osv5m-appended-places",
        _osv5m(unique_city="Waitangi_NaN_Chatham Islands_NZ"),
        None,
        {"town": "Waitangi"},
    ),
)
"""Odd, but used."""

REFUSED = (
    _text("nan-latitude", '{"latitude": NaN, "longitude": 2, "country": "FR"}', "bad_latitude"),
    _text("endless-longitude", '{"latitude": 1, "longitude": Infinity}', "bad_longitude"),
    _text("latitude-95", '{"latitude": 95, "longitude": 2, "country": "FR"}', "bad_latitude"),
    _text("longitude-181", '{"latitude": 5, "longitude": -181}', "bad_longitude"),
    _text("latitude-as-text", '{"latitude": "48.85", "longitude": 2}', "bad_latitude"),
    _text("latitude-true", '{"latitude": true, "longitude": 2}', "bad_latitude"),
    _text("latitude-of-400-digits", f'{{"latitude": {"9" * 400}, "longitude": 2}}', "bad_latitude"),
    _text("latitude-of-5000-digits", f'{{"latitude": {"9" * 5000}}}', "metadata_not_json"),
    _text("longitude-as-list", '{"latitude": 1, "longitude": [2]}', "bad_longitude"),
    _text("no-longitude", '{"latitude": 48.85, "country": "FR"}', "no_coordinates"),
    _text("null-latitude", '{"latitude": null, "longitude": 2}', "no_coordinates"),
    BadMetadata("no-country", f"{{{_PLACE}}}".encode(), "missing_country", needs_caption=True),
    BadMetadata(
        "null-country",
        f'{{{_PLACE}, "country": null}}'.encode(),
        "missing_country",
        needs_caption=True,
    ),
    BadMetadata(
        "osv5m-no-country", _osv5m(unique_country="NaN"), "missing_country", needs_caption=True
    ),
    _text("unknown-country", f'{{{_PLACE}, "country": "Atlantis"}}', "unknown_country"),
    _text("country-as-number", f'{{{_PLACE}, "country": 33}}', "bad_text"),
    _field("newline-in-town", '"town": "Par\\nis"', "newline_in_text"),
    _field("line-separator-in-town", '"town": "Par\\u2028is"', "newline_in_text"),
    _field("nul-in-town", '"town": "Par\\u0000is"', "newline_in_text"),
    _field("half-a-character", '"town": "Par\\ud83dis"', "bad_text"),
    _field("half-a-character-in-a-name", '"a\\ud83d": "x"', "bad_text"),
    _field("half-a-character-twice", '"\\ud83d": 1, "\\ud83d": 2', "metadata_duplicate_field"),
    _field("line-break-in-a-name", '"a\\nb": "x"', "newline_in_text"),
    _field("town-as-number", '"town": 7', "bad_text"),
    _field("long-town", f'"town": "{"x" * 5000}"', "text_too_long"),
    _field("town-of-10-megabytes", f'"town": "{"x" * 10_000_000}"', "metadata_too_large"),
    _field("month-13", '"month": 13', "bad_month"),
    _field("month-and-a-half", '"month": 1.5', "bad_month"),
    _field("heading-361", '"heading": 361', "bad_heading"),
    _field("drives-on-1", '"drives_left": 1', "bad_drives_left"),
    _field("latitude-twice", '"latitude": 1', "metadata_duplicate_field"),
    _field("country-twice", '"country": "DE"', "metadata_duplicate_field"),
    BadMetadata("not-utf-8", '{"town": "Müncheberg"}'.encode("latin-1"), "metadata_not_utf8"),
    BadMetadata("utf-16", f"{{{_PLACE}}}".encode("utf-16"), "metadata_not_utf8"),
    _text("broken-json", f"{{{_PLACE}, ", "metadata_not_json"),
    _text("no-bytes", "", "metadata_not_json"),
    _text("list", "[48.85, 2.35]", "metadata_not_json"),
    _text("deep-lists", "[" * 30_000, "metadata_not_json"),
    _text("html-page", "<html>404</html>", "metadata_not_json"),
    BadMetadata("byte-order-mark", f"\ufeff{{{_PLACE}}}".encode(), "metadata_not_json"),
)
"""Refused in every place."""

BAD_METADATA = HANDLED + REFUSED
