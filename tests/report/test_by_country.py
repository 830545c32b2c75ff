"""One row a country, with figures that one can count by hand."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest

from streetclip.report.answers import Answers
from streetclip.report.by_country import country_rows, median_of, wilson


def table(*rows: tuple[str | None, str, float | None]) -> Answers:
    names = ("true_country", "predicted_country", "distance_km")
    return Answers(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]))


def test_figures_of_a_country_are_those_of_its_photographs() -> None:
    rows = country_rows(
        table(
            ("FR", "FR", 10.0),
            ("FR", "BE", 200.0),
            ("FR", "DE", 400.0),
            ("FR", "BE", 300.0),
            ("IT", "IT", 5.0),
            (None, "FR", 1.0),
        )
    )
    assert [row.code for row in rows] == ["FR", "IT"]
    france = rows[0]
    assert (france.name, france.n, france.accuracy) == ("France", 4, 0.25)
    assert france.median_km == 250.0
    assert (france.instead, france.instead_n) == ("Belgium", 2)
    assert (rows[1].instead, rows[1].instead_n) == ("", 0)
    assert france.few
    assert rows[1].few


def test_a_country_without_known_places_has_no_median() -> None:
    (row,) = country_rows(table(("FR", "FR", None), ("FR", "FR", None)))
    assert row.median_km is None
    assert row.accuracy == 1.0


def test_unknown_errors_do_not_count_in_the_median() -> None:
    assert median_of(np.array([np.nan, 1.0, 3.0])) == 2.0


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (3, 10), (50, 50), (640, 1000)])
def test_intervals_are_those_of_scipy(hits: int, n: int) -> None:
    reference: Any = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits, n) == pytest.approx((reference.low, reference.high), abs=1e-9)
