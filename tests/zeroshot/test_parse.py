"""What a document means, beyond its single values."""

from pathlib import Path
from typing import Any

import pytest

from streetclip.zeroshot.parse import parse_protocol

GOOD: dict[str, Any] = {
    "countries": ["FR", "US"],
    "country_prompts": "In {country}.",
    "city_prompts": "In {city}.",
}
KEYS = ("source", "table", "per_country", "total", "spacing_km", "unique_names")


def test_a_short_document_is_enough() -> None:
    values, problems = parse_protocol(GOOD, folder=Path())
    assert problems == []
    assert values["countries"] == ("FR", "US")
    assert values["country_prompts"] == ("In {country}.",)
    assert values["table"] is None


@pytest.mark.parametrize("document", [None, [], "paper", 3])
def test_what_is_no_mapping_is_refused(document: Any) -> None:
    assert parse_protocol(document, folder=Path()) == (
        {},
        ["it must be a mapping of keys such as countries and city_prompts"],
    )


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"beam": {"countries": 3}}, "beam: has no effect, because decoding is greedy"),
        (
            {"decoding": "beam", "expected": {"loss": "distance"}},
            "expected: has no effect, because decoding is beam",
        ),
        (
            {"regions": {"prompts": "In {region}."}},
            "regions: has no effect without regions.split or regions.stage",
        ),
        ({"regions": {"stage": True}}, "regions.prompts: is missing"),
        (
            {"regions": {"stage": True, "prompts": "In [{region}]."}},
            "regions.prompts: 'In [{region}].': no slot '{region}'",
        ),
        (
            {"regions": {"split": ["DE"], "prompts": "In {region}."}},
            "regions.split.DE: is not among the countries of the protocol",
        ),
        ({"decodings": "beam"}, "unknown key 'decodings'; did you mean 'decoding'?"),
        (
            {"cities": {"by_name": True}},
            f"unknown key 'cities.by_name'; known: {', '.join(KEYS)}",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(more: dict[str, Any], problem: str) -> None:
    assert parse_protocol(GOOD | more, folder=Path())[1] == [problem]
