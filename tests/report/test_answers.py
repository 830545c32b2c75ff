"""What figures are drawn from is what the table says."""

from typing import Any

import numpy as np
import pyarrow as pa

from streetclip.report.answers import Answers, country_name


def answers(*rows: dict[str, Any]) -> Answers:
    names = ("key", "distance_km", "true_country", "predicted_country", "country_asked")
    return Answers(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]))


def test_the_worst_come_first_and_unknown_errors_not_at_all() -> None:
    table = answers(*({"distance_km": d} for d in (3.0, None, 9.0, 9.0, 1.0)))
    assert table.worst(3).tolist() == [2, 3, 0]
    assert table.worst(99).tolist() == [2, 3, 0, 4]


def test_a_country_is_right_whatever_the_case_of_its_code() -> None:
    pairs = [("FR", "fr"), ("FR", "DE"), (None, "FR"), ("FR", None)]
    table = answers(*({"true_country": a, "predicted_country": b} for a, b in pairs))
    assert table.right.tolist() == [True, False, False, False]
    assert table.known.tolist() == [True, True, False, True]
    assert {code: rows.tolist() for code, rows in table.by_country().items()} == {"FR": [0, 1, 3]}


def test_a_country_that_is_not_asked_is_out_of_reach() -> None:
    rows = [(2.0, True), (None, False), (None, True), (None, None)]
    table = Answers(
        pa.Table.from_pylist([{"nearest_km": km, "country_asked": asked} for km, asked in rows])
    )
    np.testing.assert_array_equal(table.reachable_km("nearest_km"), [2.0, np.inf])


def test_a_column_that_is_missing_or_empty_reaches_nothing() -> None:
    table = answers({"key": "a"})
    assert len(table.reachable_km("nearest_km")) == 0
    empty = Answers(pa.table({"nearest_km": pa.array([None], pa.float64())}))
    assert len(empty.reachable_km("nearest_km")) == 0


def test_names_of_countries_are_those_of_prompts() -> None:
    assert country_name("CI") == "Ivory Coast"
    assert country_name("<script>") == "<script>"
    assert country_name(None) == "unknown"
