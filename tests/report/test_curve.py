import csv
import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.report.curvepoints import COUNTRY, MEDIAN, POINTS, curve_point

from streetclip.errors import InputError, ResultError
from streetclip.report.curve import (
    Measure,
    best_point,
    curve_content,
    curve_csv,
    curve_table,
    find_measure,
    shown_measures,
)


@pytest.mark.parametrize(
    ("measure", "limit", "alpha"),
    [
        (COUNTRY, None, 0.5),  # as good as the tuned model, and nearer to the start
        (MEDIAN, None, 0.5),
        (Measure("probe", "", "accuracy"), None, 0.0),
        (COUNTRY, 0.01, 0.0),
        (COUNTRY, 0.06, 0.5),
    ],
)
def test_the_best_point_is_found(measure: Measure, limit: float | None, alpha: float) -> None:
    assert best_point(POINTS, measure, at_most_forgotten=limit).alpha == alpha


def test_a_value_that_nobody_knows_has_no_best_point() -> None:
    unknown = [curve_point(alpha, None, 1.0, 0.5) for alpha in (0.0, 1.0)]
    with pytest.raises(ResultError, match="val/paper/country_accuracy has no value at any point"):
        best_point(unknown, COUNTRY)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("median_km", MEDIAN),
        ("val/median_km", MEDIAN),
        ("val/paper/median_km", MEDIAN),
        ("probe/accuracy", Measure("probe", "", "accuracy")),
    ],
)
def test_set_and_protocol_may_be_left_out(name: str, found: Measure) -> None:
    assert find_measure(name, sets=["val"], protocols=["paper"], probe=True) == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("median_km", "the name of several numbers of the curve; got: a/p/median_km, b/p/median_"),
        ("c/median_km", r"no number of the curve; allowed: .* a set of a, b, a protocol of p"),
        ("accuracy", "no number of the curve"),
        ("probe/accuracy", "no number of the curve"),
    ],
)
def test_names_that_fit_not_once_are_refused(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_measure(name, sets=["a", "b"], protocols=["p"], probe=False)


def test_the_table_of_all_numbers_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(curve_csv(POINTS))))
    assert len(rows) == 3 * 4
    assert rows[4] == {
        "alpha": "0.5",
        "set": "val",
        "protocol": "paper",
        "name": "country_accuracy",
        "value": "0.5",
        "low": "0.1",
        "high": "0.9",
        "n": "100",
    }
    assert [row["low"] for row in rows if row["name"] == "forgotten"] == ["", "", ""]


def test_the_points_are_told_with_their_digests() -> None:
    told = curve_content(POINTS)
    assert [point["weights_digest"] for point in told] == ["digest0.0", "digest0.5", "digest1.0"]
    assert told[1]["results"][0]["values"]["median_km"]["value"] == 300.0
    assert told[1]["probe"]["values"]["accuracy"]["n"] == 50
    assert curve_content([replace(POINTS[0], probe=None)])[0]["probe"] is None


def test_the_terminal_shows_each_point_with_intervals() -> None:
    text = io.StringIO()
    Console(file=text, width=120).print(curve_table(POINTS))
    shown = text.getvalue()
    for part in ("alpha", "0.5", "50.0 %", "300 km", "75.0 %", "65.0 to 85.0", "forgotten"):
        assert part in shown
    assert [measure.name for measure in shown_measures(POINTS)] == [
        *("country_accuracy", "median_km", "accuracy", "forgotten")
    ]
