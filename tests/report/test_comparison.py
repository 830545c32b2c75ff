"""Tables of a comparison print what it holds, and say in words what is real."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.tinyresults import planted

from streetclip.evaluation.alignment import ResultFolder
from streetclip.evaluation.comparison import Comparison, compare
from streetclip.evaluation.paired import COMPARED, Difference
from streetclip.report.comparison import (
    NOT_SHOWN,
    difference_rows,
    format_difference,
    format_p,
    format_range,
    markdown,
    terminal_tables,
    value_rows,
)
from streetclip.report.tables import LABELS

N = 300


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """A first model, an equal one with an ugly name, and a better one."""
    folders = [
        ResultFolder(
            Path(f"out/{i}"),
            planted([number >= wrong for number in range(N)], model=name, protocol="pa|per"),
            digest=str(i) * 64,
        )
        for i, (name, wrong) in enumerate([("first", 90), ("[b]se|cond", 90), ("third", 30)])
    ]
    return compare(folders, baseline="first", resamples=2000)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("within_25km", 0.0301, "+3.0 points"),
        ("country_accuracy", -1.0, "-100.0 points"),
        ("within_1km", -0.0001, "0.0 points"),
        ("median_km", -3.14, "-3.1 km"),
        ("median_km", 1234.5, "+1,234 km"),
        ("median_km", 0.0, "0.0 km"),
        ("geoscore", 35.4, "+35"),
        ("geoscore", -0.2, "0"),
    ],
)
def test_differences_have_signs_and_units(name: str, value: float, text: str) -> None:
    assert format_difference(name, value) == text


@pytest.mark.parametrize(
    ("name", "low", "high", "text"),
    [
        ("within_25km", 0.014, 0.046, "+1.4 to +4.6"),
        ("median_km", -81.4, 3.3, "-81 to +3"),
        ("median_km", -2.34, 0.0, "-2.3 to 0.0"),
    ],
)
def test_both_ends_of_an_interval_have_the_same_digits(
    name: str, low: float, high: float, text: str
) -> None:
    found = Difference(0.0, 9, low, high, p=1.0, test="bootstrap")
    assert format_range(name, found) == text


@pytest.mark.parametrize(
    ("p", "text"), [(1.0, "1.0000"), (0.04567, "0.0457"), (0.0001, "0.0001"), (9e-5, "< 0.0001")]
)
def test_p_values_are_not_rounded_to_nothing(p: float, text: str) -> None:
    assert format_p(p) == text


def test_every_value_that_is_compared_has_a_label() -> None:
    assert set(COMPARED) <= set(LABELS)


def test_values_stand_with_their_intervals_beside_each_other(comparison: Comparison) -> None:
    rows = {row[0]: row[1:] for row in value_rows(comparison)}
    assert "region" not in rows
    n, *cells = rows["country"]
    assert n == "300"
    assert [cell.split(" (")[0] for cell in cells] == ["70.0 %", "70.0 %", "90.0 %"]
    assert all(" to " in cell for cell in cells)


def test_what_is_real_is_said_in_words(comparison: Comparison) -> None:
    same, apart = ({row[0]: row[1:] for row in difference_rows(pair)} for pair in comparison.pairs)
    assert same["country"] == [
        "0.0 points", "0.0 to 0.0", "300", "0", "0", "1.0000", "1.0000", NOT_SHOWN,
    ]  # fmt: skip
    difference, interval, n, first, second, p, adjusted, verdict = apart["country"]
    assert (difference, n, first, second) == ("+20.0 points", "300", "0", "60")
    assert interval.startswith("+1")
    assert p == adjusted == "< 0.0001"
    assert verdict == "third is better"
    assert apart["GeoScore (best 5000)"][3:5] == ["-", "-"]


def test_the_report_has_a_section_a_set_with_all_that_was_compared(comparison: Comparison) -> None:
    other = replace(comparison, title="another set")
    text = markdown([comparison, other], left_out=["c is left out."])
    assert text.startswith("# Comparison on val (300 photographs)\n")
    assert "\n# Comparison on another set\n" in text
    assert "| value | photographs | first (baseline) | [b]se/cond | third |" in text
    assert "## third (second) less first (first)" in text
    assert all(f"\n- {note}" in text for note in comparison.notes)
    assert f"| third | `{'2' * 16}` | `{'a' * 16}` | `{'b' * 16}` | `{'c' * 16}` |" in text
    assert "| `pa/per` | greedy | 300 | 0 | `out/2` |" in text
    assert text.endswith("\n- c is left out.\n")
    widths = [line.count(" | ") for line in text.splitlines() if line.startswith("| value")]
    assert widths == [4, 8, 8] * 2


def test_the_terminal_shows_the_same_rows_and_names_letter_by_letter(
    comparison: Comparison,
) -> None:
    console = Console(width=220, file=io.StringIO())
    with console.capture() as printed:
        for table in terminal_tables(comparison):
            console.print(table)
    text = printed.get()
    assert "[b]se|cond" in text
    assert "third is better" in text
    assert all(cell in text for row in value_rows(comparison) for cell in row)
    for pair in comparison.pairs:
        assert all(cell in text for row in difference_rows(pair) for cell in row)
    assert "by Holm" in text
