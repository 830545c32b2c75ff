"""What training has shown of a photograph's place."""

import pytest

from streetclip.evaluation.predictions import SeenPlaces

SEEN = SeenPlaces(frozenset({"FR", "SG"}), frozenset({"FR/Brittany/Brest", "SG//Singapore"}))


@pytest.mark.parametrize(
    ("country", "region", "town", "expected"),
    [
        ("FR", "Brittany", "Brest", (True, True)),
        ("FR", "Brittany", "Rennes", (True, False)),
        ("BY", "Brest", "Brest", (False, False)),
        ("SG", None, "Singapore", (True, True)),
        ("FR", "Brittany", None, (True, None)),
        (None, None, None, (None, None)),
    ],
)
def test_seen_places_are_told_by_country_and_whole_town(
    country: str | None, region: str | None, town: str | None, expected: tuple[object, object]
) -> None:
    given = {"country": country, "region": region, "town": town}
    assert SEEN.sees(given) == expected


def test_without_a_list_of_towns_only_countries_are_told() -> None:
    assert SeenPlaces(frozenset({"FR"})).sees({"country": "FR", "town": "Brest"}) == (True, None)
