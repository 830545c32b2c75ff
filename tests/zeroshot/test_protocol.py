"""Protocol files: what ships is what it says, and a digest changes with what decides answers."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from streetclip.errors import ProtocolError
from streetclip.geo.countries import country_code
from streetclip.zeroshot.protocol import (
    CitySelection,
    Distance,
    Protocol,
    load_protocol,
    shipped_protocols,
)

GOOD = """
countries: [FR, NO, Netherlands]
country_prompts: A photo in {country}.
city_prompts: ["A photo of {city}.", "A photo of {city}, {country}."]
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", shipped_protocols())
def test_every_shipped_protocol_loads_and_says_what_it_is_for(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.name == name
    assert protocol.description
    assert protocol.decoding == "greedy"


def test_shipped_protocols_have_digests_of_their_own() -> None:
    digests = {load_protocol(name).digest for name in shipped_protocols()}
    assert len(digests) == len(shipped_protocols())


def test_the_paper_protocol_names_the_countries_of_the_appendix(repository: Path) -> None:
    table = repository.parent / "shared" / "data" / "paper_countries.csv"
    if not table.exists():
        pytest.skip(f"no list of the paper's countries at {table}")
    with table.open(encoding="utf-8", newline="") as file:
        names = [row["prompt_name"] for row in csv.DictReader(file)]
    protocol = load_protocol("paper")
    assert protocol.countries == tuple(country_code(name) for name in names)
    ours = [protocol.country_name(code) for code in protocol.countries]
    assert ours == names


def test_the_paper_protocol_has_no_kosovo_but_aruba() -> None:
    codes = load_protocol("paper").countries
    assert len(codes) == len(set(codes)) == 193
    assert not {"XK", "HK", "PR"} & set(codes)
    assert {"AW", "GL", "PS", "NO"} <= set(codes)


def test_articles_follow_the_protocol() -> None:
    assert load_protocol("streetclip").country_name("NL") == "the Netherlands"
    assert load_protocol("paper").country_name("NL") == "Netherlands"


def test_a_protocol_of_ones_own_takes_codes_and_names(tmp_path: Path) -> None:
    protocol = load_protocol(write(tmp_path, GOOD))
    assert protocol.name == "mine"
    assert protocol.countries == ("FR", "NO", "NL")
    assert protocol.country_prompts == ("A photo in {country}.",)
    assert len(protocol.city_prompts) == 2
    assert protocol.cities == CitySelection()
    assert protocol.distance == Distance()


def test_countries_may_stand_in_a_file_beside_the_protocol(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# two countries\nFrance\n\nDEU\n", encoding="utf-8")
    text = GOOD.replace("[FR, NO, Netherlands]", "list.txt")
    assert load_protocol(write(tmp_path, text)).countries == ("FR", "DE")


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = """
countries: [France, FR, Germny, Atlantis]
country_prompts: A photo in {contry}.
city_promts: A photo of {city}.
articles: perhaps
names: {Frnace: Gaul, DE: 3}
cities: {per_country: 0, spacing: 3, spacing_km: .nan, unique_names: "no"}
decoding: beam
distance: {radius_km: 0, inclusive: 1}
"""
    with pytest.raises(ProtocolError, match=r"mine.yaml has \d+ problems") as caught:
        load_protocol(write(tmp_path, text))
    bad = "'A photo in {contry}.'"
    assert sorted(caught.value.problems) == sorted(
        [
            "unknown key 'city_promts'; did you mean 'city_prompts'?",
            "key 'city_prompts' is missing",
            "countries: 'FR' and 'France' are the same country",
            "countries: no country 'Germny'; did you mean 'Germany' (DE)?",
            "countries: no country 'Atlantis'",
            f"country_prompts: {bad}: unknown slot '{{contry}}'; did you mean '{{country}}'?",
            f"country_prompts: {bad}: no slot '{{country}}'",
            "articles: must be true or false, not 'perhaps'",
            "names: no country 'Frnace'; did you mean 'France' (FR)?",
            "names: the name of 'DE' must be text",
            "unknown key 'cities.spacing'; did you mean 'spacing_km'?",
            "cities.per_country: must be a whole number of 1 or more, not 0",
            "cities.spacing_km: must be a number of 0 or more, not nan",
            "cities.unique_names: must be true or false, not 'no'",
            "decoding: 'beam' is unknown; allowed: greedy",
            "distance.radius_km: must be more than 0",
            "distance.inclusive: must be true or false, not 1",
        ]
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[FR, NO, Netherlands]", "everything", "neither 'all' nor a file"),
        ("[FR, NO, Netherlands]", "[]", "the list is empty"),
        ("[FR, NO, Netherlands]", "[3]", "must be 'all', a list of names or codes"),
        ("A photo in {country}.", "[]", "must be a pattern or a list"),
        ("A photo in {country}.", "[3]", "'3' is no text"),
        ("A photo in {country}.", "['in {country}', 'in {country}']", "stands twice"),
        ("country_prompts", "names: 3\ndescription: 4\ncities: 5\ncountry_prompts", "3 problems"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        load_protocol(write(tmp_path, GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [("a: [", "it is no YAML"), ("- a\n", "must be a mapping"), ("", "must be a mapping")],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        load_protocol(write(tmp_path, text))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("names: {CI: Côte d'Ivoire}".encode("latin-1"))
    with pytest.raises(ProtocolError, match="it is not UTF-8"):
        load_protocol(str(path))


def test_an_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(ProtocolError, match="did you mean 'quickstart'"):
        load_protocol("quikstart")


def test_the_digest_follows_what_decides_answers(tmp_path: Path) -> None:
    protocol = load_protocol(write(tmp_path, GOOD))
    assert replace(protocol, name="other", description="else").digest == protocol.digest
    changed: list[Protocol] = [
        replace(protocol, countries=("FR", "NL", "NO")),
        replace(protocol, names={"FR": "Gaul"}),
        replace(protocol, articles=False),
        replace(protocol, cities=CitySelection(spacing_km=1.0)),
        replace(protocol, distance=Distance(inclusive=False)),
    ]
    assert len({protocol.digest, *(other.digest for other in changed)}) == 6


def test_the_digest_follows_the_tables_of_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = load_protocol(write(tmp_path, GOOD))
    before = protocol.digest
    monkeypatch.setattr("streetclip.zeroshot.protocol.gazetteer_digest", lambda: "another table")
    assert protocol.digest != before
