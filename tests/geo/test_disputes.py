"""The policy on disputed areas: what is shipped, and what a user's table changes."""

import csv
from pathlib import Path

import pytest

from streetclip.errors import PlaceError
from streetclip.geo.countries import countries
from streetclip.geo.disputes import area_codes, area_countries
from streetclip.geo.locate import locate, locate_country

HEADER = "area,name,country,reason\n"


def test_every_area_has_a_country_of_the_table_except_bir_tawil() -> None:
    chosen = area_countries()
    assert list(chosen) == list(area_codes())
    assert [area for area, code in chosen.items() if code is None] == ["Q620634"]
    assert {code for code in chosen.values() if code} <= set(countries())


@pytest.mark.parametrize(
    ("area", "code"),
    [
        ("Q7835", "UA"), ("EH-W", "EH"), ("Q23681", "CY"), ("XK", "XK"), ("Q36678", "PS"),
        ("TW", "TW"), ("FX", "FR"), ("IC", "ES"), ("Q5823", "ES"), ("Q25396", "BQ"),
        ("Q25231", "SJ"), ("AC", "SH"),
    ],
)  # fmt: skip
def test_the_shipped_policy_is_the_documented_one(area: str, code: str) -> None:
    assert area_countries()[area] == code


def test_every_country_except_those_without_an_area_can_be_found() -> None:
    assert set(countries()) - set(area_countries().values()) == set()


def test_rows_of_a_user_take_the_place_of_ours(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(HEADER + "Q7835,Crimea,RU,control\nTW,Taiwan,,left out\n", encoding="utf-8")
    assert locate_country([44.95, 25.04, 35.34], [34.1, 121.56, 33.32]).tolist() == [
        *("UA", "TW", "CY")
    ]
    assert locate_country(
        [44.95, 25.04, 35.34], [34.1, 121.56, 33.32], disputes=table
    ).tolist() == ["RU", None, "CY"]


def test_towns_go_with_the_area_that_a_user_moved(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(HEADER + "Q7835,Crimea,RU,control\n", encoding="utf-8")
    found = locate(44.9484, 34.1, disputes=table)
    assert (found.country[0], found.region[0], found.town[0]) == ("RU", "Crimea", "Simferopol")
    assert found.town_distance_km[0] < 3


def test_all_problems_of_a_table_are_listed(tmp_path: Path) -> None:
    table = tmp_path / "bad.csv"
    rows = "Q7835,Crimea,XX,why\nQ7835,Crimea,UA,\nNOPE,Nowhere,FR,why\n"
    table.write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(PlaceError, match=r"bad\.csv is wrong") as caught:
        area_countries(table)
    text = str(caught.value)
    assert "line 2: 'XX' is no ISO 3166-1 alpha-2 code" in text
    assert "line 3: area 'Q7835' has no reason" in text
    assert "line 4: there is no area 'NOPE'" in text
    assert "area 'Q7835' stands in the table more than once" in text


def test_missing_columns_are_named(tmp_path: Path) -> None:
    table = tmp_path / "bad.csv"
    table.write_text("area,country\nXK,RS\n", encoding="utf-8")
    with pytest.raises(PlaceError, match="column 'name' is missing"):
        area_countries(table)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match=r"nothing\.csv cannot be read"):
        area_countries(tmp_path / "nothing.csv")


def test_every_row_of_the_shipped_table_has_a_name_and_a_reason(repository: Path) -> None:
    path = repository / "src" / "streetclip" / "geo" / "tables" / "disputes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 20
    assert all(len(row["reason"]) > 20 and row["name"] for row in rows)
