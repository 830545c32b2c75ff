"""Reliability and coverage, against tables one can check by hand."""

import numpy as np
import pytest

from streetclip.evaluation.calibration import (
    CoveragePoint,
    ReliabilityBin,
    bin_numbers,
    calibration_interval,
    coverage_curve,
    reliability,
)
from streetclip.evaluation.estimators import ESTIMATORS


def test_bins_hold_equally_many_photographs() -> None:
    confidence = np.random.default_rng(0).random(300)
    assert np.bincount(bin_numbers(confidence, 15)).tolist() == [20] * 15


def test_equal_probabilities_share_a_bin() -> None:
    confidence = np.array([0.2, 0.5, 0.5, 0.5, 0.9, 1.0])
    assert bin_numbers(confidence, 3).tolist() == [0, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("n", [0, 1, 3, 14])
def test_fewer_photographs_than_bins_have_a_bin_each(n: int) -> None:
    assert bin_numbers(np.linspace(0.1, 0.9, n), 15).tolist() == list(range(n))


def test_reliability_agrees_with_a_table_counted_by_hand() -> None:
    confidence = np.array([0.1, 0.3, 0.6, 0.8, 0.7, np.nan])
    correct = np.array([0.0, 1.0, 1.0, 1.0, np.nan, 1.0])
    assert reliability(confidence, correct, bins=2) == (
        ReliabilityBin(0.1, 0.3, 2, 0.2, 0.5),
        ReliabilityBin(0.6, 0.8, 2, (0.6 + 0.8) / 2, 1.0),
    )


def test_the_calibration_error_is_the_mean_gap_of_the_reliability_curve() -> None:
    rng = np.random.default_rng(3)
    confidence, correct = rng.random(500), (rng.random(500) < 0.5).astype(float)
    bins = reliability(confidence, correct)
    gaps = [b.n * abs((b.accuracy or 0.0) - (b.confidence or 0.0)) for b in bins]
    error = ESTIMATORS["calibration"]([confidence, correct])(np.ones((1, 500)))[0]
    assert error == pytest.approx(sum(gaps) / 500)
    assert sum(b.n for b in bins) == 500


def test_an_interval_of_clear_gaps_goes_by_their_signs() -> None:
    drawn = np.random.default_rng(0).normal([0.2, -0.1], 0.01, size=(2000, 2))
    low, high = calibration_interval(np.array([0.2, -0.1]), drawn, level=0.95)
    # The standard error of the sum is 0.01 times the root of 2.
    assert low == pytest.approx(0.3 - 1.96 * 0.01 * 2**0.5, abs=0.002)
    assert high == pytest.approx(0.3 + 1.96 * 0.01 * 2**0.5, abs=0.002)


def test_an_interval_of_chance_alone_begins_at_zero() -> None:
    gaps = np.array([0.01, -0.008, 0.009])
    drawn = np.random.default_rng(0).normal(gaps, 0.01, size=(2000, 3))
    low, high = calibration_interval(gaps, drawn, level=0.95)
    assert low == 0.0
    assert high > 0.027


def test_coverage_agrees_with_a_table_counted_by_hand() -> None:
    confidence = np.array([0.2, 0.9, 0.5, 0.5, 0.7])
    correct = np.array([0.0, 1.0, 1.0, 0.0, np.nan])
    assert coverage_curve(confidence, correct) == (
        CoveragePoint(0.25, 1.0, 0.9),
        CoveragePoint(0.75, 2 / 3, 0.5),
        CoveragePoint(1.0, 0.5, 0.2),
    )


def test_a_curve_has_at_most_a_hundred_points_and_both_ends() -> None:
    rng = np.random.default_rng(1)
    confidence, correct = rng.random(5000), (rng.random(5000) < 0.5).astype(float)
    curve = coverage_curve(confidence, correct)
    assert len(curve) == 100
    assert curve[0].threshold == confidence.max()
    assert (curve[-1].coverage, curve[-1].threshold) == (1.0, confidence.min())
    assert curve[-1].accuracy == pytest.approx(correct.mean())


def test_without_photographs_there_are_no_curves() -> None:
    nothing = np.empty(0)
    assert reliability(nothing, nothing) == ()
    assert coverage_curve(nothing, nothing) == ()
