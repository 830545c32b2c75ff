"""The table of countries against itself, the gazetteer and lists of names from elsewhere."""

import csv
from pathlib import Path

import pytest

from streetclip.geo import countries as module
from streetclip.geo.countries import countries, countries_digest, country_code
from streetclip.geo.gazetteer import load_gazetteer

# fmt: off
_WITH_ARTICLE = [
    "AE", "BS", "CD", "CF", "CG", "CI", "CK", "CZ", "DO", "FK", "GB", "GM", "KM", "KY", "MH", "MP",
    "MV", "NL", "PH", "SB", "SC", "TC", "TF", "US", "VG",
]
# fmt: on


def test_the_table_has_the_249_codes_of_iso_3166_and_kosovo() -> None:
    assert len(countries()) == 250
    assert "XK" in countries()
    assert all(len(code) == 2 and code.isupper() for code in countries())
    assert len({country.alpha3 for country in countries().values()}) == 250


def test_prompt_names_are_ascii_distinct_and_without_article() -> None:
    names = [country.name for country in countries().values()]
    assert all(name.isascii() and not name.lower().startswith("the ") for name in names)
    assert len(set(names)) == len(names)


def test_no_name_belongs_to_two_countries() -> None:
    owner: dict[str, str] = {}
    for country in countries().values():
        for name in (country.name, country.alpha3, *country.synonyms):
            assert owner.setdefault(module._key(name), country.code) == country.code, name


def test_every_country_of_the_gazetteer_is_known() -> None:
    assert set(load_gazetteer().country.tolist()) <= set(countries())


@pytest.mark.parametrize(
    "code",
    _WITH_ARTICLE,
)
def test_these_names_take_the_article(code: str) -> None:
    assert countries()[code].article


@pytest.mark.parametrize("code", ["AR", "BO", "CN", "DE", "FR", "GE", "IN", "LB", "SD", "UA", "VA"])
def test_these_names_take_none(code: str) -> None:
    assert countries()[code].phrase == countries()[code].name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fr", "FR"),
        ("FRA", "FR"),
        (" France ", "FR"),
        ("NA", "NA"),
        ("namibia", "NA"),
        ("Côte d’Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("Türkiye", "TR"),
        ("The Gambia", "GM"),
        ("Gambia, The", "GM"),
        ("Bosnia & Herzegovina", "BA"),
        ("St. Vincent and the Grenadines", "VC"),
        ("U.S.A.", "US"),
        ("UK", "GB"),
        ("Congo (Kinshasa)", "CD"),
        ("Congo", "CG"),
        ("Korea, South", "KR"),
        ("Swaziland", "SZ"),
        ("Timor-Leste", "TL"),
        ("FX", "FR"),
        ("IC", "ES"),
        ("Åland Islands", "AX"),
    ],
)
def test_codes_names_and_synonyms_are_understood(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize("text", ["", "Atlantis", "ZZ", "Franc", "the"])
def test_what_is_no_country_is_none(text: str) -> None:
    assert country_code(text) is None


def test_left_hand_traffic_is_where_one_expects_it() -> None:
    left = {code for code, country in countries().items() if country.drives_left}
    assert {"GB", "IE", "JP", "AU", "IN", "TH", "ZA", "SR", "MZ", "ID", "HK", "MO"} <= left
    assert not left & {"US", "FR", "CN", "GI", "MM", "AR", "EG", "SE", "IO"}
    assert len(left) == 77


def test_continents_are_the_seven() -> None:
    assert {country.continent for country in countries().values()} == {
        *("Africa", "Antarctica", "Asia", "Europe"),
        *("North America", "Oceania", "South America"),
    }


def test_the_digest_follows_the_table_and_not_the_line_endings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = module._TABLE.read_text(encoding="utf-8")
    original = countries_digest()
    for content, same in ((text.replace("\n", "\r\n"), True), (text.replace("Peru", "P"), False)):
        changed = tmp_path / "countries.csv"
        changed.write_bytes(content.encode("utf-8"))
        monkeypatch.setattr(module, "_TABLE", changed)
        countries_digest.cache_clear()
        assert (countries_digest() == original) is same
    countries_digest.cache_clear()


def test_names_of_benchmark_tables_resolve(repository: Path) -> None:
    table = repository.parent / "shared" / "data" / "paper_countries.csv"
    if not table.exists():
        pytest.skip(f"no {table}")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    unknown = [name for row in rows for name in row.values() if country_code(name) is None]
    assert len(rows) == 193
    assert unknown == []
