"""Countries, regions and tables of cities as a file names them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot import places
from streetclip.zeroshot.fields import Problems

ROWS = [("Paris", 48.85, 2.35, "France", "FR", "Île-de-France", 2_000_000)]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("US", (("US", ()),)),
        (["United States", "FR"], (("US", ()), ("FR", ()))),
        ({"US": "all", "FR": ["Brittany"]}, (("US", ()), ("FR", ("Brittany",)))),
        ({"US": None}, (("US", ()),)),
    ],
)
def test_countries_are_split_into_all_regions_or_those_that_are_named(
    value: Any, read: places.Split
) -> None:
    problems = Problems()
    assert places.split("regions.split", value, problems) == read
    assert problems == []


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (3, "split: must be a list of countries, or map them to all or to lists of regions"),
        ({"Frnce": "all"}, "split: no country 'Frnce'; did you mean 'France' (FR)?"),
        ({"FR": "all", "France": "all"}, "split: 'France' stands twice"),
        ({"FR": "some"}, "split.FR: must be all or a list of regions"),
        ({"FR": []}, "split.FR: must be all or a list of regions"),
        ({"FR": ["Brittany", "Brittany"]}, "split.FR: the same region stands twice"),
    ],
)
def test_a_wrong_split_is_named(value: Any, problem: str) -> None:
    problems = Problems()
    places.split("split", value, problems)
    assert problems == [problem]


def test_regions_are_looked_for_in_the_table_that_cities_come_from(towns: Gazetteer) -> None:
    problems = Problems()
    asked = (("FR", ("Auvergne", "Britany")), ("SG", ()), ("DE", ()))
    places.check_split(asked, ("FR", "SG"), towns, problems)
    assert problems == [
        "regions.split.FR: no region 'Britany'; known: Île-de-France, Auvergne",
        "regions.split.SG: has no region with a town in the table of cities",
        "regions.split.DE: is not among the countries of the protocol",
    ]


def test_a_table_lies_beside_the_file_that_names_it(
    tmp_path: Path, write_cities: Callable[[Path, Sequence[Sequence[object]]], Path]
) -> None:
    write_cities(tmp_path / "c.csv", ROWS)
    problems = Problems()
    table = places.city_table({"cities": {"table": "c.csv"}}, tmp_path, problems)
    assert problems == []
    assert table is not None
    assert table.towns.name.tolist() == ["Paris"]


@pytest.mark.parametrize(
    ("cities", "problem"),
    [
        ({"table": "c.csv", "source": "geonames"}, "is given, but cities.source is geonames"),
        ({"table": "d.csv"}, "cities.table: no file "),
        ({"source": "simplemaps"}, "download World Cities Database, Basic"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(
    tmp_path: Path,
    write_cities: Callable[[Path, Sequence[Sequence[object]]], Path],
    cities: dict[str, str],
    problem: str,
) -> None:
    write_cities(tmp_path / "c.csv", ROWS)
    problems = Problems()
    places.city_table({"cities": cities}, tmp_path, problems)
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_protocol_without_a_table_takes_ours() -> None:
    problems = Problems()
    assert places.city_table({"cities": {"source": "geonames"}}, Path(), problems) is None
    assert places.city_table({}, Path(), problems) is None
    assert problems == []
