"""Protocol files: what ships is what it says, and a digest changes with what decides answers."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from streetclip.errors import ProtocolError
from streetclip.geo.countries import country_code
from streetclip.zeroshot.document import read_document
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

PLACES = ("FR,Brittany", "ES,Madrid", "DE,Bavaria", "DE,Saxony")


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


STATES = read_document("reproduction-us-states").content["regions"]["split"]["US"]
TABLE = [
    ("San Jose", 9.9, -84.1, "Costa Rica", "CR", "San José", 300),
    *((state, 40.0, -90.0, "United States", "US", state, 100) for state in STATES),
]


@pytest.fixture(scope="module")
def table(
    tmp_path_factory: pytest.TempPathFactory,
    write_cities: Callable[[Path, Sequence[Sequence[object]]], Path],
) -> Path:
    """A table of cities that has what the reproduction names."""
    return write_cities(tmp_path_factory.mktemp("table") / "worldcities.csv", TABLE)


def load(name: str, table: Path) -> Protocol:
    return load_protocol(name, cities=table if name.startswith("reproduction") else None)


@pytest.mark.parametrize("name", shipped_protocols())
def test_every_shipped_protocol_loads_and_says_what_it_is_for(name: str, table: Path) -> None:
    protocol = load(name, table)
    assert protocol.name == name
    assert protocol.description
    assert protocol.decoding == "greedy"


def test_shipped_protocols_have_digests_of_their_own(table: Path) -> None:
    digests = {load(name, table).digest for name in shipped_protocols()}
    assert len(digests) == len(shipped_protocols())


@pytest.mark.parametrize("name", ["reproduction", "reproduction-us-states"])
def test_the_reproduction_says_where_its_table_is_to_be_had(name: str) -> None:
    with pytest.raises(ProtocolError, match=r"https://simplemaps\.com/data/world-cities") as caught:
        load_protocol(name)
    assert "@PATH" in str(caught.value)


def test_a_table_can_be_given_in_three_ways(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "worldcities.csv").write_bytes(table.read_bytes())
    text = "extends: reproduction\ncities: {table: worldcities.csv}\n"
    given = [
        load_protocol(write(tmp_path, text)),
        load_protocol("reproduction", cities=table),
        load_protocol(f"reproduction@{table}"),
    ]
    assert len({protocol.digest for protocol in given}) == 1
    # What the user types is relative to where the user is.
    monkeypatch.chdir(tmp_path)
    assert load_protocol("reproduction@worldcities.csv").digest == given[0].digest


def test_the_digest_follows_the_bytes_of_the_table(table: Path, tmp_path: Path) -> None:
    before = load_protocol("reproduction", cities=table).digest
    other = tmp_path / "other.csv"
    other.write_bytes(table.read_bytes().replace(b",300,", b",301,"))
    assert load_protocol("reproduction", cities=other).digest != before


@pytest.mark.parametrize("decoding", ["greedy", "beam", "expected"])
def test_a_decoding_takes_the_place_of_the_files_own(decoding: str) -> None:
    asked = load_protocol("paper", decoding=decoding)
    assert asked.decoding == asked.rule.kind == decoding
    assert asked.digest == load_protocol(f"paper+{decoding}").digest
    assert (asked.digest == load_protocol("paper").digest) == (decoding == "greedy")


def test_the_example_of_the_documents_loads(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs/protocols.md").read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]
    rows = "\n".join(f"{i},Town,45,5,{place},1" for i, place in enumerate(PLACES))
    header = "id,city_ascii,lat,lng,iso2,admin_name,population"
    (tmp_path / "worldcities.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")
    protocol = load_protocol(write(tmp_path, example))
    assert protocol.countries == ("FR", "ES", "DE")
    assert protocol.regions.split == (("ES", ()), ("DE", ("Bavaria", "Saxony")))
    assert protocol.rule.kind == "beam"


def test_a_decoding_that_is_unknown_is_refused() -> None:
    with pytest.raises(ProtocolError, match="'best' is unknown; allowed: greedy, beam, expected"):
        load_protocol("paper", decoding="best")


def test_a_file_says_how_to_decode(tmp_path: Path) -> None:
    text = GOOD + "decoding: expected\nexpected: {loss: geoscore, countries: all}\n"
    rule = load_protocol(write(tmp_path, text)).rule
    assert (rule.kind, rule.loss, rule.countries) == ("expected", "geoscore", None)
    rule = load_protocol(write(tmp_path, GOOD + "decoding: beam\nbeam: {countries: 3}\n")).rule
    assert (rule.kind, rule.countries) == ("beam", 3)


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
regions: {split: {FR: [Brittani], US: all, Frnce: all}, stages: true}
decoding: beams
beam: {countries: 0}
expected: {loss: money, country: 3}
distance: {radius_km: 0, inclusive: 1}
defects: {no_article: true, half_precision: 1}
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
            "unknown key 'regions.stages'; did you mean 'stage'?",
            "regions.prompts: is missing",
            "regions.split: no country 'Frnce'; did you mean 'France' (FR)?",
            "regions.split.FR: no region 'Brittani'; did you mean 'Brittany'?",
            "regions.split.US: is not among the countries of the protocol",
            "decoding: 'beams' is unknown; allowed: greedy, beam, expected",
            "beam.countries: must be a whole number of 1 or more, or all, not 0",
            "expected.loss: 'money' is unknown; allowed: distance, geoscore",
            "unknown key 'expected.country'; did you mean 'countries'?",
            "unknown key 'defects.no_article'; did you mean 'no_articles'?",
            "defects.half_precision: must be true or false, not 1",
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
        ("country_prompts", "beam: {countries: 3}\ncountry_prompts", "because decoding is greedy"),
        ("country_prompts", "regions: {prompts: 'in {region}'}\ncountry_prompts", "has no effect"),
        ("country_prompts", "regions: {stage: true}\ncountry_prompts", "prompts: is missing"),
        ("country_prompts", "cities: {table: gone.csv}\ncountry_prompts", "no file .*gone.csv"),
        ("country_prompts", "cities: {source: simplemaps}\ncountry_prompts", "download World"),
        ("country_prompts", "cities: {source: maps}\ncountry_prompts", "'maps' is unknown"),
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


def test_problems_of_a_table_are_told_with_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("city_ascii,lat,lng,iso2,admin_name,id\n", encoding="utf-8")
    text = GOOD + "cities: {table: c.csv, per_country: none}\n"
    with pytest.raises(ProtocolError, match="has 2 problems") as caught:
        load_protocol(write(tmp_path, text))
    assert caught.value.problems == [
        "cities.per_country: must be a whole number of 1 or more, not 'none'",
        f"cities.table {tmp_path / 'c.csv'}: column 'population' is missing",
    ]


def test_a_file_that_says_the_decoding_of_its_parent_again_keeps_its_options(
    tmp_path: Path,
) -> None:
    write(tmp_path, GOOD + "decoding: beam\nbeam: {countries: 20}\n")
    child = tmp_path / "child.yaml"
    for text, countries in (("decoding: beam", 20), ("", 20), ("decoding: greedy", 10)):
        child.write_text(f"extends: mine.yaml\n{text}\n", encoding="utf-8")
        assert load_protocol(str(child)).beam.countries == countries
