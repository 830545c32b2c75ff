"""Estimators on counts against plain loops over the photographs that the counts stand for."""

from collections.abc import Sequence

import numpy as np
import pytest

from streetclip.evaluation.calibration import BINS
from streetclip.evaluation.estimators import ESTIMATORS


def answers(n: int, seed: int) -> list[np.ndarray]:
    """Probabilities with ties, and right or wrong; a few photographs do not count."""
    rng = np.random.default_rng(seed)
    confidence = rng.random(n).round(2)
    correct = (rng.random(n) < confidence).astype(float)
    correct[::9] = np.nan
    return [confidence, correct]


def drawn_rows(counts: np.ndarray) -> list[int]:
    return [row for row, count in enumerate(counts) for _ in range(int(count))]


def plain_risk(columns: Sequence[np.ndarray], rows: Sequence[int]) -> float:
    pairs = [(c, y) for c, y in zip(*(column[list(rows)] for column in columns), strict=True)]
    pairs = [(c, y) for c, y in pairs if not np.isnan(y)]
    risks = []
    for threshold, _ in pairs:
        answered = [1 - y for c, y in pairs if c >= threshold]
        risks.append(sum(answered) / len(answered))
    return float(sum(risks) / len(risks))


def plain_error(columns: Sequence[np.ndarray], rows: Sequence[int]) -> float:
    """Bins by rank among all photographs that count; equal probabilities take the higher bin."""
    confidence, correct = columns
    ordered = sorted(float(c) for c, y in zip(confidence, correct, strict=True) if not np.isnan(y))
    starts = [ordered[k * len(ordered) // BINS] for k in range(1, BINS)]
    gaps: dict[int, float] = {}
    counted = [row for row in rows if not np.isnan(correct[row])]
    for row in counted:
        number = sum(start <= confidence[row] for start in starts)
        gaps[number] = gaps.get(number, 0.0) + float(correct[row] - confidence[row])
    return float(sum(abs(gap) for gap in gaps.values()) / len(counted))


@pytest.mark.parametrize("n", [1, 7, 60, 200])
@pytest.mark.parametrize(
    ("kind", "plain"), [("selective", plain_risk), ("calibration", plain_error)]
)
def test_estimates_of_counts_are_those_of_a_plain_loop(kind: str, plain: object, n: int) -> None:
    assert callable(plain)
    columns = [np.append(column, 1.0) for column in answers(n, seed=n)]
    counts = np.random.default_rng(0).integers(0, 3, size=(5, n + 1)).astype(float)
    counts[:, -1] = 1.0
    found = ESTIMATORS[kind](columns)(counts)
    expected = [plain(columns, drawn_rows(row)) for row in counts]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["selective", "calibration"])
def test_where_no_photograph_counts_there_is_no_number(kind: str) -> None:
    columns = [np.array([0.5, 0.5]), np.array([1.0, np.nan])]
    nothing = ESTIMATORS[kind](columns)(np.array([[0.0, 2.0]]))
    assert np.isnan(nothing).all()
    unknown = ESTIMATORS[kind]([columns[0], np.full(2, np.nan)])(np.ones((1, 2)))
    assert np.isnan(unknown).all()


def test_the_order_of_photographs_decides_no_area() -> None:
    columns = answers(50, seed=1)
    shuffled = np.random.default_rng(2).permutation(50)
    estimate = [
        ESTIMATORS["selective"]([column[order] for column in columns])(np.ones((1, 50)))[0]
        for order in (np.arange(50), shuffled)
    ]
    assert estimate[0] == pytest.approx(estimate[1], rel=1e-12)


def test_an_answer_that_is_always_as_probable_is_at_the_risk_of_all() -> None:
    columns = [np.full(4, 0.3), np.array([1.0, 0.0, 0.0, 0.0])]
    assert ESTIMATORS["selective"](columns)(np.ones((1, 4)))[0] == 0.75


def test_the_harmonic_mean_is_unknown_where_one_of_both_is() -> None:
    columns = [np.array([1.0, np.nan]), np.array([np.nan, np.nan])]
    assert np.isnan(ESTIMATORS["harmonic"](columns)(np.ones((1, 2)))).all()
