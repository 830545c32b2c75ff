"""The page of a comparison shows every number of the table, and lines where they belong."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.devtools import Browser, find_chromium
from tests.tinyresults import planted

from streetclip.evaluation.alignment import ResultFolder
from streetclip.evaluation.comparison import Comparison, Pair, compare
from streetclip.evaluation.paired import Difference
from streetclip.report.comparison import difference_rows, value_rows
from streetclip.report.comparison_page import comparison_page, forest

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Of three models, one with a hostile name."""
    folders = [
        ResultFolder(
            Path(f"results/{number}"),
            planted([i % 5 >= wrong for i in range(200)], model=name),
            str(number) * 64,
        )
        for number, (name, wrong) in enumerate((("a", 3), (HOSTILE, 1), ("c", 1)))
    ]
    return compare(folders, resamples=200)


def _difference(value: float, low: float, high: float, better: str = "") -> Difference:
    return Difference(value, 100, low, high, 0.5, "mcnemar", better=better)


def test_lines_stand_where_their_numbers_are() -> None:
    pair = Pair(
        "a",
        "b",
        {
            "within_25km": _difference(0.03, 0.01, 0.05, "second"),
            "median_km": _difference(-50.0, -90.0, -10.0),
            "country_accuracy": _difference(-0.02, -0.06, 0.02),
            "geoscore": _difference(10.0, -5.0, 25.0),
        },
    )
    drawn = forest(pair)
    assert drawn is not None
    # The widest interval ends at 6 points, so the axis has steps of 2 up to 6 on 210 units.
    assert [tick.label for tick in drawn.ticks] == ["-6", "-4", "-2", "0", "+2", "+4", "+6"]
    assert drawn.zero == 230.0
    within, country = drawn.rows
    assert (within.low, within.at, within.high) == pytest.approx((265.0, 335.0, 405.0))
    assert (country.low, country.at, country.high) == pytest.approx((20.0, 160.0, 300.0))
    assert (within.shown, country.shown) == (True, False)
    assert within.text == "+3.0 points (+1.0 to +5.0)"


def test_differences_that_are_no_shares_are_not_drawn() -> None:
    assert forest(Pair("a", "b", {"median_km": _difference(-50.0, -90.0, -10.0)})) is None


def test_no_difference_at_all_still_has_an_axis() -> None:
    drawn = forest(Pair("a", "b", {"within_25km": _difference(0.0, 0.0, 0.0)}))
    assert drawn is not None
    assert [tick.label for tick in drawn.ticks] == ["-0.5", "0", "+0.5"]


def test_every_cell_of_the_tables_is_on_the_page(comparison: Comparison) -> None:
    page = comparison_page([comparison], left_out=["d is left out."])
    assert HOSTILE not in page
    cells = {html.unescape(line.strip()) for line in re.sub(r"<[^>]*>", "\n", page).splitlines()}
    rows = [*value_rows(comparison)]
    for pair in comparison.pairs:
        rows += difference_rows(pair)
    missing = {cell for row in rows for cell in row} - cells
    assert not missing
    assert {*comparison.notes, "d is left out."} <= cells
    assert page.count("<svg") == len(comparison.pairs) == 3


def test_sets_have_sections_of_their_own(comparison: Comparison) -> None:
    other = replace(comparison, title="another set")
    page = comparison_page([comparison, other])
    assert "<h1>Comparisons</h1>" in page
    assert ">Comparison on another set</h2>" in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_chromium()
    with Browser(program, tmp_path_factory.mktemp("chromium") / "profile") as started:
        yield started


@pytest.mark.parametrize("width", [1400, 400])
def test_a_browser_shows_it_in_silence_and_within_the_window(
    browser: Browser, comparison: Comparison, tmp_path: Path, width: int
) -> None:
    page = tmp_path / "comparison.html"
    page.write_text(comparison_page([comparison]))
    browser.events.clear()
    browser.size(width)
    browser.open(page)
    assert browser.evaluate("document.querySelectorAll('svg.chart').length") == 3
    assert browser.evaluate("document.querySelectorAll('svg.chart circle').length") > 9
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []
