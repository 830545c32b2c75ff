import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.result import Result
from streetclip.report.published import PublishedRow
from streetclip.report.side_by_side import (
    COLUMNS,
    digest_lines,
    latex_lines,
    markdown_lines,
    set_tables,
    terminal_tables,
    write_tables,
)

SHARES = {
    "within_25km": Estimate(0.2834, 237, 0.226, 0.342),
    "median_km": Estimate(1234.5, 237, 1100.0, 1400.0),
    "within_200km": Estimate(0.5, 237),
}


ROW = PublishedRow(
    "im2gps", "CLIP L/14-336", "paper", "Haas & others 2023", {"within_25km": "27.0"}
)


@pytest.fixture
def results(make_result: Callable[..., Result]) -> list[Result]:
    return [
        make_result(set_name=set_name, model=model, photos=photos, values=SHARES)
        for set_name, photos in (("im2gps", 237), ("im2gps3k", 2990))
        for model in ("a_1", "b")
    ]


def test_cells_are_values_with_their_intervals(results: list[Result]) -> None:
    (row, _) = set_tables(results)[0].rows
    cells = dict(zip(COLUMNS, row[2:], strict=True))
    assert row[:2] == ("a_1", "paper")
    assert cells == {
        "within_1km": "-",
        "within_25km": "28.3 % (22.6 to 34.2)",
        "within_200km": "50.0 %",
        "within_750km": "-",
        "within_2500km": "-",
        "median_km": "1,234 km (1,100 to 1,400)",
    }


def test_each_set_has_a_table_whose_title_says_what_is_missing(results: list[Result]) -> None:
    first, second = set_tables(results)
    assert first.title == "IM2GPS (237 photographs)"
    assert second.title == "IM2GPS3K (partial: 2,990 of 2,997 photographs)"
    assert [row[0] for row in second.rows] == ["a_1", "b"]


def test_rows_of_others_stand_below_on_their_set_only(results: list[Result]) -> None:
    published = {"im2gps": [ROW]}
    first, second = set_tables(results, links=["1", "2", "3", "4"], published=published)
    assert first.rows[2] == (
        *("CLIP L/14-336", "paper: Haas & others 2023"),
        *("-", "27.0 %", "-", "-", "-", "-"),
    )
    assert (first.links, second.links) == (("1", "2", ""), ("3", "4"))
    assert any("quoted from the source" in note for note in first.notes)
    assert not any("quoted" in note for note in second.notes)


def test_markdown_is_a_table_that_renders(results: list[Result]) -> None:
    lines = markdown_lines(set_tables(results, links=["x/report.md"] * 4))
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {len(COLUMNS) + 3}
    assert lines[0] == "## IM2GPS (237 photographs)"
    assert table[2].startswith("| [a_1](x/report.md) | paper | - | 28.3 % (22.6 to 34.2) |")


def test_latex_escapes_what_has_a_meaning_there(results: list[Result]) -> None:
    text = "\n".join(latex_lines(set_tables(results, published={"im2gps": [ROW]})))
    assert r"a\_1 & paper & - & 28.3 \% (22.6 to 34.2) & 50.0 \% &" in text
    assert r"Haas \& others 2023" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {len(COLUMNS) + 1}
    assert text.count(r"\begin{tabular}{llrrrrrr}") == text.count(r"\end{tabular}") == 2


def test_what_a_protocol_allows_stands_once_below_the_models(
    make_result: Callable[..., Result],
) -> None:
    best = {"within_25km/known_country": Estimate(0.6, 237, 0.55, 0.65)}
    results = [
        make_result(model=model, protocol=protocol, ceilings=best)
        for protocol in ("paper", "ours")
        for model in ("a", "b")
    ]
    (table,) = set_tables(results)
    below = [row for row in table.rows if row[0] not in ("a", "b")]
    assert [row[:2] for row in below] == [
        ("best with the country known", "paper"),
        ("best with the country known", "ours"),
    ]
    assert {row[3] for row in below} == {"60.0 % (55.0 to 65.0)"}


def test_unreadable_photographs_are_counted_below(make_result: Callable[..., Result]) -> None:
    (table,) = set_tables([make_result(unreadable=(("a", "cut"), ("b", "cut")))])
    assert "Photographs not readable; not counted: 2." in table.notes


def test_digests_are_listed_once(results: list[Result]) -> None:
    lines = digest_lines(results)
    assert f"| model | a_1 | `{'a' * 16}` |" in lines
    assert len([line for line in lines if line.startswith("| set")]) == 2
    assert len([line for line in lines if line.startswith("| protocol")]) == 1


def test_the_terminal_shows_the_same_cells(results: list[Result]) -> None:
    text = io.StringIO()
    console = Console(file=text, width=200)
    for table in terminal_tables(set_tables(results, published={"im2gps3k": [ROW]})):
        console.print(table)
    for words in ("IM2GPS (237", "28.3 % (22.6 to 34.2)", "Haas & others 2023", "20 resamples"):
        assert words in text.getvalue()


def test_both_files_are_written_whole(results: list[Result], tmp_path: Path) -> None:
    write_tables(set_tables(results), results, tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"tables.md", "tables.tex"}
    text = (tmp_path / "new" / "tables.md").read_text()
    assert text.startswith("# Zero-shot geolocation\n\n## IM2GPS (237")
    assert text.endswith("|\n")
