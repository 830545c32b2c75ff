"""LaTeX prints every name as it is, in rows that fit their columns."""

import re
from pathlib import Path

import pytest
from tests.tinyresults import planted

from streetclip.evaluation.alignment import ResultFolder
from streetclip.evaluation.comparison import compare
from streetclip.report.comparison_latex import latex

UGLY = r"my_model {50%} & co \x"


@pytest.fixture(scope="module")
def text() -> str:
    """Of two models, the second of an ugly name and better."""
    folders = [
        ResultFolder(
            Path(name), planted([i >= wrong for i in range(200)], model=name), digest="0" * 64
        )
        for name, wrong in (("plain", 90), (UGLY, 20))
    ]
    return latex([compare(folders, resamples=500)])


def test_nothing_is_left_unescaped(text: str) -> None:
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert r"my\_model \{50\%\} \& co \textbackslash{}x" in body
    assert not re.search(r"(?<!\\)[%#$_^~<>]", body)


def test_every_row_fits_the_columns_of_its_table(text: str) -> None:
    tables = re.findall(r"\\begin\{tabular\}\{(l[rl]*)\}\n(.*?)\\end\{tabular\}", text, re.S)
    assert len(tables) == 2
    for columns, body in tables:
        rows = [line for line in body.splitlines() if line != r"\hline"]
        assert all(row.endswith(r" \\") for row in rows)
        assert body.splitlines().count(r"\hline") == 3
        for row in rows:
            cells = len(re.findall(r"(?<!\\)&", row)) + 1
            spans = re.match(r"\\multicolumn\{(\d+)\}", row)
            assert len(columns) == (int(spans[1]) if spans else cells)


def test_verdicts_and_notes_are_told(text: str) -> None:
    assert r"\textbackslash{}x is better" in text
    assert "\n% adjusted p: by Holm" in text
