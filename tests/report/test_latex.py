"""LaTeX gets the same numbers, and no name becomes a command."""

import re
from collections.abc import Callable

import pytest
from tests.report.example import example_result

from streetclip.evaluation.result import Result
from streetclip.report.latex import escape, latex_table
from streetclip.report.tables import number_rows


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 %", r"50 \%"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a_b^c~d", r"a\_b\textasciicircum{}c\textasciitilde{}d"),
        ("two\nlines", "two lines"),
        ("$1 & #2", r"\$1 \& \#2"),
    ],
)
def test_special_characters_are_printed_as_they_stand(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_every_row_has_as_many_cells_as_there_are_columns() -> None:
    text = latex_table(example_result(60))
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tables) == 2
    for columns, body in tables:
        lines = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(lines) > 5
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(columns)}


def test_the_numbers_are_those_of_the_other_reports() -> None:
    result = example_result(60)
    text = latex_table(result)
    for row in number_rows(result):
        assert escape(row.value) in text
        assert escape(row.interval) in text
    assert r"22.4 \%" in text


def test_a_set_of_ones_own_has_one_table(make_result: Callable[..., Result]) -> None:
    assert latex_table(make_result(model="a_b")).count(r"\begin{table}") == 1
    assert r"a\_b" in latex_table(make_result(model="a_b"))
