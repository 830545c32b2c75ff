"""Tables print what a result holds, with units, and hide nothing."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import STATISTICS
from streetclip.report.markdown import markdown
from streetclip.report.tables import (
    LABELS,
    ceiling_kinds,
    format_interval,
    format_value,
    label,
    notes,
    number_rows,
    terminal_table,
)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("within_25km", 0.2834, "28.3 %"),
        ("country_accuracy", 1.0, "100.0 %"),
        ("median_km", 3.14, "3.1 km"),
        ("mean_km", 1234.5, "1,234 km"),
        ("geoscore", 3361.4, "3,361"),
    ],
)
def test_numbers_have_units(name: str, value: float, text: str) -> None:
    assert format_value(name, value) == text


def test_an_interval_has_two_ends_or_a_dash() -> None:
    assert format_interval("within_1km", Estimate(0.5, 9, 0.25, 0.75)) == "25.0 to 75.0"
    assert format_interval("within_1km", Estimate(0.5, 9)) == "-"


def test_every_value_has_a_label() -> None:
    assert set(LABELS) == set(STATISTICS)


def test_values_that_no_photograph_counts_for_have_no_row(
    make_result: Callable[..., Result],
) -> None:
    rows = {row.label: (row.value, row.photographs) for row in number_rows(make_result())}
    assert rows["country"] == ("50.0 %", "20")
    assert "region" not in rows


def test_photographs_that_do_not_count_are_told(make_result: Callable[..., Result]) -> None:
    result = make_result(
        unreadable=(("bad_key", "cut | in half"),), outside_protocol=1234, unknown_country=2
    )
    text = "\n".join(notes(result))
    assert "does not name; counted as wrong: 1,234." in text
    assert "without a known country; only the distance counts: 2." in text
    assert "not readable; not counted: 1." in text
    assert "| `bad_key` | cut / in half |" in markdown(result)


def test_missing_and_surplus_photographs_are_told(make_result: Callable[..., Result]) -> None:
    names = tuple(f"{number}.jpg" for number in range(7))
    result = make_result(missing=names, surplus=("extra.jpg",), set_photos=27)
    text = "\n".join(notes(result))
    assert "missing; not counted: 7 (0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, ...)." in text
    assert "that the table does not name; not counted: 1 (extra.jpg)." in text
    assert markdown(result).startswith(
        "# Zero-shot geolocation on val (partial: 20 of 27 photographs)\n"
    )


def test_a_new_number_of_countries_has_a_label_of_its_own() -> None:
    assert label("country_top10") == "country, among the 10 most probable"
    assert label("country_topical") == "country_topical"


def test_ceilings_stand_beside_the_values_that_have_one(
    make_result: Callable[..., Result],
) -> None:
    result = make_result(
        ceilings={
            "within_25km/nearest": Estimate(0.75, 20),
            "within_25km/known_country": Estimate(0.5, 20),
            "median_km/nearest": Estimate(12.0, 20),
            "geoscore/nearest": Estimate(None, 0),
        }
    )
    assert ceiling_kinds(result) == ["known_country", "nearest"]
    rows = {row.name: row.ceilings for row in number_rows(result)}
    assert rows["within_25km"] == ("50.0 %", "75.0 %")
    assert rows["median_km"] == ("-", "12 km")
    assert rows["geoscore"] == rows["country_accuracy"] == ("-", "-")
    assert ceiling_kinds(make_result()) == []


def test_the_terminal_shows_the_same_rows(make_result: Callable[..., Result]) -> None:
    console = Console(width=120, file=io.StringIO())
    with console.capture() as printed:
        console.print(terminal_table(make_result()))
    text = printed.get()
    assert "tiny, protocol paper" in text
    assert all(row.value in text for row in number_rows(make_result()))


def test_the_terminal_shows_ceilings_beside_the_values(make_result: Callable[..., Result]) -> None:
    result = make_result(ceilings={"within_25km/known_country": Estimate(0.607, 20)})
    console = Console(width=160, file=io.StringIO())
    with console.capture() as printed:
        console.print(terminal_table(result))
    (line,) = [line for line in printed.get().splitlines() if "within 25 km" in line]
    assert "60.7 %" in line
    assert "best with the country known" in printed.get()


def test_the_most_probable_country_is_told_where_it_need_not_be_the_answer(
    make_result: Callable[..., Result],
) -> None:
    values = {
        "country_accuracy": Estimate(0.5, 20),
        "country_top1": Estimate(0.5, 20),
        "country_top10": Estimate(0.9, 20),
    }
    names = {
        decoding: [row.name for row in number_rows(make_result(values=values, decoding=decoding))]
        for decoding in ("greedy", "beam")
    }
    assert names == {
        "greedy": ["country_accuracy", "country_top10"],
        "beam": ["country_accuracy", "country_top1", "country_top10"],
    }
    # Where countries are asked by region, greedy decoding may answer another one too.
    values["country_top1"] = Estimate(0.6, 20)
    assert len(number_rows(make_result(values=values, decoding="greedy"))) == 3
