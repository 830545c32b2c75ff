"""Bars appear on standard error, or not at all."""

import pytest

from streetclip.shards.progress import progress_bars


def test_each_stage_has_a_bar_that_follows_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars(show=True) as on_progress:
        on_progress("look", 1, 4)
        on_progress("write", 2, 9)
        on_progress("look", 3, 5)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [line.split() for line in shown.err.splitlines() if line.strip()]
    assert [(line[0], "3/5" in line, "2/9" in line) for line in lines] == [
        ("look", True, False),
        ("write", False, True),
    ]


def test_nothing_appears_where_nothing_shall(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars(show=False) as on_progress:
        on_progress("look", 1, 4)
    assert capsys.readouterr() == ("", "")
