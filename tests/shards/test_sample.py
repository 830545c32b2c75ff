"""The JSON of a sample: what is written comes back, and nothing bad gets through."""

import json

import pytest
from tests.badthings.metadata import BAD_METADATA, BadMetadata

from streetclip.errors import SampleError
from streetclip.records import ManifestRow, Place
from streetclip.shards.sample import encode_metadata, parse_metadata


def test_what_is_written_is_read_back() -> None:
    row = ManifestRow(
        "/a.jpg",
        "a.jpg",
        Place(-22.57, 17.08, "NA", "Khomas", "Windhoek"),
        heading=90.0,
        month=7,
        licence="CC0",
        source="a list",
        columns={"genus": "Welwitschia"},
    )
    raw = encode_metadata(row, climate="BWh", drives_left=True)
    assert parse_metadata(raw) == {
        "latitude": -22.57,
        "longitude": 17.08,
        "country": "NA",
        "region": "Khomas",
        "town": "Windhoek",
        "heading": 90.0,
        "month": 7,
        "licence": "CC0",
        "source": "a list",
        "climate": "BWh",
        "drives_left": True,
        "genus": "Welwitschia",
    }


def test_what_is_unknown_is_absent() -> None:
    raw = encode_metadata(ManifestRow("/a", "a", Place(1.5, 2.5)))
    assert json.loads(raw) == {"latitude": 1.5, "longitude": 2.5}


def test_osv5m_names_are_understood() -> None:
    raw = json.dumps(
        {
            "latitude": -43.8,
            "longitude": -176.6,
            "unique_country": "NZ",
            "unique_region": "Chatham Islands_NZ",
            "unique_sub-region": "NaN",
            "unique_city": "Waitangi_NaN_Chatham Islands_NZ",
            "climate": 15,
        }
    ).encode()
    assert parse_metadata(raw) == {
        "latitude": -43.8,
        "longitude": -176.6,
        "country": "NZ",
        "region": "Chatham Islands",
        "town": "Waitangi",
    }


def test_missing_osv5m_places_are_absent() -> None:
    fields = ("unique_country", "unique_region", "unique_sub-region", "unique_city")
    raw = json.dumps({"latitude": 1, "longitude": 2} | dict.fromkeys(fields, "NaN")).encode()
    assert parse_metadata(raw) == {"latitude": 1.0, "longitude": 2.0}
    city = {"latitude": 1, "longitude": 2, "unique_country": "FR", "unique_city": "NaN_NaN_R_FR"}
    assert "town" not in parse_metadata(json.dumps(city).encode())


def with_field(text: str) -> str:
    """The JSON of a good sample, and one more field."""
    return '{"latitude": 48.85, "longitude": 2.35, ' + text + "}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"longitude": 2}', "no_coordinates: no latitude"),
        ('{"latitude": "NaN", "longitude": 2}', "no_coordinates"),
        ('{"latitude": NaN, "longitude": 2}', "bad_latitude"),
        ('{"latitude": Infinity, "longitude": 2}', "bad_latitude"),
        ('{"latitude": 95, "longitude": 2}', "bad_latitude: 95 is not -90 to 90"),
        ('{"latitude": 1' + "0" * 400 + ', "longitude": 2}', "bad_latitude"),
        ('{"latitude": "48.85", "longitude": 2}', "bad_latitude"),
        ('{"latitude": true, "longitude": 2}', "bad_latitude"),
        ('{"latitude": 1, "longitude": [2]}', "bad_longitude"),
        (with_field('"town": "Par\\nis"'), "newline_in_text"),
        (with_field('"town": "Par\\u2028is"'), "newline_in_text"),
        (with_field('"town": 7'), "bad_text"),
        (with_field('"country": "Atlantis"'), "unknown_country: Atlantis"),
        (with_field('"month": 1.5'), "bad_month"),
        (with_field('"month": 13'), "bad_month"),
        (with_field('"heading": 361'), "bad_heading"),
        (with_field('"drives_left": 1'), "bad_drives_left"),
        (with_field('"latitude": 1'), "metadata_duplicate_field: latitude"),
        (with_field('"town": "' + "x" * 5000 + '"'), "text_too_long"),
        (with_field('"town": "' + "x" * 10_000_000 + '"'), "metadata_too_large"),
        ("[" * 30_000, "metadata_not_json"),
        ("{", "metadata_not_json"),
        ("[1, 2]", "metadata_not_json: a list"),
    ],
)  # fmt: skip
def test_bad_metadata_has_a_reason(text: str, reason: str) -> None:
    with pytest.raises(SampleError, match=reason):
        parse_metadata(text.encode())


@pytest.mark.parametrize("bad", BAD_METADATA, ids=lambda bad: bad.name)
def test_odd_metadata_are_read_and_bad_ones_have_a_reason_that_can_be_written_down(
    bad: BadMetadata,
) -> None:
    if bad.index_reason is None:
        fields = parse_metadata(bad.raw)
        assert {name: fields[name] for name in bad.fields} == bad.fields
    else:
        with pytest.raises(SampleError, match=f"^{bad.index_reason}: ") as refusal:
            parse_metadata(bad.raw)
        assert len(str(refusal.value).encode()) < 500


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(SampleError, match="metadata_not_utf8"):
        parse_metadata('{"town": "Müncheberg"}'.encode("latin-1"))


def test_null_is_unknown() -> None:
    assert parse_metadata(with_field('"country": null, "month": null').encode()) == {
        "latitude": 48.85,
        "longitude": 2.35,
    }


def test_without_coordinates_a_sample_is_good_only_for_those_who_need_none() -> None:
    nan = float("nan")
    raw = encode_metadata(ManifestRow("/a.jpg", "a.jpg", Place(nan, nan, "XK")))
    assert raw == b'{"country":"XK"}'
    assert parse_metadata(raw, needs_point=False) == {"country": "XK"}
    with pytest.raises(SampleError, match="no_coordinates: no latitude"):
        parse_metadata(raw)
    with pytest.raises(SampleError, match="no_coordinates: no longitude"):
        parse_metadata(b'{"latitude": 1}', needs_point=False)
    with pytest.raises(SampleError, match="bad_latitude"):
        parse_metadata(b'{"latitude": 99, "longitude": 1}', needs_point=False)
