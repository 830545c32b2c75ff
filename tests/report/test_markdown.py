"""Markdown for papers tells everything that counts, and what does not."""

from collections.abc import Callable

import pytest
from tests.report.example import example_result

from streetclip.evaluation.result import Result
from streetclip.report.markdown import markdown, markdown_table


def test_the_report_names_what_was_measured(make_result: Callable[..., Result]) -> None:
    text = markdown(make_result())
    assert text.startswith("# Zero-shot geolocation on val (20 photographs)\n")
    assert "Model `tiny`, protocol `paper`, decoding `greedy`." in text
    assert "| within 2500 km | 100.0 % | 83.2 to 100.0 | 20 |" in text
    assert f"| weights | `{'a' * 16}` |" in text


def test_a_part_of_a_published_set_says_so(make_result: Callable[..., Result]) -> None:
    text = markdown(make_result(set_name="im2gps"))
    assert "IM2GPS (partial: 20 of 237 photographs)" in text


def test_ceilings_calibration_and_published_figures_stand_beside() -> None:
    result = example_result(60)
    text = markdown(result)
    head = (
        "| metric | value | 95 % interval | best with the country known | best of all candidates |"
    )
    assert head in text
    share = result.ceilings["within_200km/nearest"].value
    assert share is not None
    assert f"{100 * share:.1f} %" in text
    assert "| country, calibration error (ECE, best 0) |" in text
    assert "Published figures on this set, not measured here:" in text
    assert "| StreetCLIP, zero-shot | - | 22.4 % | 37.4 % | 61.3 % | 80.4 % | paper: " in text


@pytest.mark.parametrize("count", [50, 51])
def test_long_lists_are_cut_and_say_so(make_result: Callable[..., Result], count: int) -> None:
    text = markdown(make_result(missing=tuple(f"m{n}" for n in range(count))))
    assert "| `m49` |" in text
    assert ("The first 50 of 51." in text) == (count == 51)
    assert "`m50`" not in text


def test_no_cell_breaks_the_table() -> None:
    assert markdown_table(("a",), [("x|y\nz",)]).splitlines()[-1] == "| x/y z |"
