"""Tables print what a result holds, with units, and hide nothing."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import STATISTICS
from streetclip.report.tables import (
    LABELS,
    format_interval,
    format_value,
    markdown,
    notes,
    table_rows,
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
    rows = {label: (value, n) for label, value, _, n in table_rows(make_result())}
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


def test_the_report_names_what_was_measured(make_result: Callable[..., Result]) -> None:
    text = markdown(make_result())
    assert text.startswith("# Zero-shot geolocation on val (20 photographs)\n")
    assert "Model `tiny`, protocol `paper`." in text
    assert "| within 2500 km | 100.0 % | 100.0 to 100.0 | 20 |" in text
    assert f"| weights | `{'a' * 16}` |" in text


def test_a_part_of_a_published_set_says_so(make_result: Callable[..., Result]) -> None:
    text = markdown(make_result(set_name="im2gps"))
    assert "IM2GPS (partial: 20 of 237 photographs)" in text


def test_the_terminal_shows_the_same_rows(make_result: Callable[..., Result]) -> None:
    console = Console(width=120, file=io.StringIO())
    with console.capture() as printed:
        console.print(terminal_table(make_result()))
    text = printed.get()
    assert "tiny, protocol paper" in text
    assert all(value in text for _, value, _, _ in table_rows(make_result()))
