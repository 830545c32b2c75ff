"""A user's table of cities: what is read of it, and what is said of a wrong one."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from streetclip.errors import CityTableError
from streetclip.geo.simplemaps import COLUMNS, read_simplemaps

HEADER = ("id", "city_ascii", "lat", "lng", "iso2", "admin_name", "population")
ROWS = (
    (7, "Oran", 35.7, -0.64, "DZ", "Oran", ""),
    (9, "Gaza", 31.5, 34.45, "XG", "", "590481.0"),
    (5, "Algiers", 36.77, 3.06, "DZ", "Alger", 0),
    (3, "Annaba", 36.9, 7.77, "DZ", "Annaba", ""),
    (1, "Windhoek", -22.57, 17.08, "NA", "Khomas", 431000),
)


def write(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_rows_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    towns = read_simplemaps(write(tmp_path / "cities.csv", ROWS)).towns
    assert towns.name.tolist() == ["Oran", "Gaza", "Algiers", "Annaba", "Windhoek"]
    assert towns.id.tolist() == [7, 9, 5, 3, 1]
    assert towns.latlon[4].tolist() == [-22.57, 17.08]
    assert towns.population.tolist() == [0, 590_481, 0, 0, 431_000]


def test_codes_of_its_own_become_those_of_iso_and_namibia_is_not_missing(tmp_path: Path) -> None:
    towns = read_simplemaps(write(tmp_path / "cities.csv", ROWS)).towns
    assert towns.country.tolist() == ["DZ", "PS", "DZ", "DZ", "NA"]


def test_an_unknown_population_comes_last_in_the_order_of_the_file(tmp_path: Path) -> None:
    towns = read_simplemaps(write(tmp_path / "cities.csv", ROWS)).towns
    assert towns.name[towns.rows_of("DZ")].tolist() == ["Algiers", "Oran", "Annaba"]


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    first = read_simplemaps(write(tmp_path / "a.csv", ROWS)).digest
    assert read_simplemaps(write(tmp_path / "b.csv", ROWS)).digest == first
    assert read_simplemaps(write(tmp_path / "c.csv", ROWS[:4])).digest != first


def test_missing_columns_are_named_all_together(tmp_path: Path) -> None:
    path = write(tmp_path / "cities.csv", ROWS, [*HEADER[:3], "lon", "code", *HEADER[5:]])
    with pytest.raises(CityTableError, match="has 2 problems") as caught:
        read_simplemaps(path)
    assert caught.value.problems == [
        "column 'lng' is missing; is it 'lon'?",
        "column 'iso2' is missing",
    ]


def test_impossible_numbers_are_named_with_their_line(tmp_path: Path) -> None:
    rows = [(1, "A", 91, 0, "FR", "", 5), (2, "", 1, "east", "FR", "", "many"), *ROWS]
    with pytest.raises(CityTableError, match="has 4 problems") as caught:
        read_simplemaps(write(tmp_path / "cities.csv", rows))
    assert caught.value.problems == [
        "line 2: lat must be -90 to 90, not '91'",
        "line 3: city_ascii is empty",
        "line 3: lng must be -180 to 180, not 'east'",
        "line 3: population must be 0 to 9.0072e+15, not 'many'",
    ]


def test_of_many_bad_rows_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    rows = [(number, "A", "north", 0, "FR", "", 5) for number in range(40)]
    with pytest.raises(CityTableError, match="and 35 more of this kind"):
        read_simplemaps(write(tmp_path / "cities.csv", rows))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "column 'city_ascii' is missing"),
        (",".join(COLUMNS).encode(), "it has no row"),
        ("city_ascii\nC\xf4te".encode("latin-1"), "it is not UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "cities.csv"
    path.write_bytes(content)
    with pytest.raises(CityTableError, match=problem):
        read_simplemaps(path)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CityTableError, match="it cannot be read: No such file"):
        read_simplemaps(tmp_path / "absent.csv")


def test_the_table_of_the_public_reproduction_is_read_whole(repository: Path) -> None:
    path = repository.parent / "shared/data/simplemaps_worldcities_basic_v1.76.csv"
    if not path.exists():
        pytest.skip(f"no table of SimpleMaps at {path}")
    towns = read_simplemaps(path).towns
    assert len(towns) == 44_691
    assert len(towns.rows_of("PS")) == 27
    assert len(towns.regions_of("US")) == 51
    assert towns.name[towns.rows_of("JP")[0]] == "Tokyo"
