"""The picture of a curve shows every point of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.curvepoints import POINTS, curve_point

from streetclip.report.curve_figure import curve_figure, save_curve


def test_the_figure_draws_the_line_and_what_was_forgotten() -> None:
    along, against = curve_figure(POINTS).axes
    legend = along.get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["val: right country (paper)", "probe set: right label"]
    (line,) = against.lines
    assert line.get_xdata() == pytest.approx([80.0, 75.0, 50.0])
    assert line.get_ydata() == pytest.approx([20.0, 50.0, 50.0])
    assert [text.get_text() for text in against.texts] == ["0", "0.5", "1"]


def test_points_on_each_other_are_told_together() -> None:
    again = replace(POINTS[1], alpha=0.75)
    _, against = curve_figure([*POINTS[:2], again, POINTS[2]]).axes
    assert [text.get_text() for text in against.texts] == ["0", "0.5, 0.75", "1"]


def test_without_a_probe_set_there_is_one_panel() -> None:
    (only,) = curve_figure([replace(point, probe=None) for point in POINTS]).axes
    assert only.lines[0].get_ydata() == pytest.approx([20.0, 50.0, 50.0])


def test_a_country_accuracy_that_nobody_knows_leaves_its_point_out() -> None:
    along, _ = curve_figure([POINTS[0], curve_point(0.5, None, 300.0, 0.75), POINTS[2]]).axes
    countries = along.lines[0]
    assert countries.get_xdata() == pytest.approx([0.0, 1.0])


def test_the_same_curve_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_curve(POINTS, tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second
    assert first.startswith(b"\x89PNG")
