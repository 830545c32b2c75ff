"""The 95 % intervals hold the truth about as often as they say, in worlds whose truth is known."""

import math
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from streetclip.evaluation.bootstrap import Statistic, bootstrap

WORLDS = 1000
RESAMPLES = 300

Columns = dict[str, np.ndarray]
STATISTICS = {
    "share": Statistic("mean", ("right",)),
    "mean": Statistic("mean", ("distance",)),
    "median": Statistic("median", ("distance",)),
    "harmonic": Statistic("harmonic", ("seen", "unseen")),
    "error": Statistic("calibration", ("probability", "answer")),
    "risk": Statistic("selective", ("probability", "answer")),
}


def held(
    world: Callable[[np.random.Generator], Columns],
    truth: Mapping[str, float],
    clusters: np.ndarray | None = None,
) -> dict[str, float]:
    """How often the interval of each value of the truth holds it."""
    rng = np.random.default_rng(20260)
    statistics = {name: STATISTICS[name] for name in truth}
    hits: Counter[str] = Counter()
    for seed in range(WORLDS):
        estimates = bootstrap(
            world(rng), statistics, clusters=clusters, resamples=RESAMPLES, seed=seed
        )
        for name, estimate in estimates.items():
            assert estimate.low is not None
            assert estimate.high is not None
            hits[name] += estimate.low <= truth[name] <= estimate.high
    return {name: hits[name] / WORLDS for name in truth}


def photographs(rng: np.random.Generator, n: int = 200) -> Columns:
    """Independent photographs: 30 % right, errors of 500 km on average, claims 0.15 too high."""
    right = (rng.random(n) < 0.3).astype(float)
    new = rng.random(n) < 0.4
    probability = rng.uniform(0.2, 1.0, n)
    return {
        "right": right,
        "distance": rng.exponential(500.0, n),
        "seen": np.where(new, np.nan, (rng.random(n) < 0.6).astype(float)),
        "unseen": np.where(new, (rng.random(n) < 0.3).astype(float), np.nan),
        "probability": probability,
        "answer": (rng.random(n) < probability - 0.15).astype(float),
    }


def test_intervals_hold_shares_and_medians_of_independent_photographs() -> None:
    truth = {"share": 0.3, "median": 500.0 * math.log(2)}
    for name, share in held(photographs, truth).items():
        assert 0.92 <= share <= 0.98, (name, share)


@pytest.mark.slow
def test_intervals_hold_every_kind_of_value_of_independent_photographs() -> None:
    # Above a threshold t the claims are (1 + t) / 2 on average, and 0.15 less is right; the mean
    # of 1 - ((1 + t) / 2 - 0.15) over thresholds from 0.2 to 1 is 0.35.
    truth = {
        "mean": 500.0,
        "harmonic": 2 * 0.6 * 0.3 / 0.9,
        "risk": 0.35,
    }
    for name, share in held(photographs, truth).items():
        assert 0.92 <= share <= 0.98, (name, share)


@pytest.mark.slow
@pytest.mark.parametrize(("error", "most"), [(0.15, 0.98), (0.05, 1.0), (0.0, 0.98)])
def test_intervals_hold_the_calibration_error(error: float, most: float) -> None:
    """Between clear errors and none the interval is wider than it need be, never too narrow."""

    def claims(rng: np.random.Generator) -> Columns:
        probability = rng.uniform(0.2, 1.0, 1500)
        answer = (rng.random(1500) < probability - error).astype(float)
        return {"probability": probability, "answer": answer}

    shares = held(claims, {"error": error})
    assert 0.92 <= shares["error"] <= most, shares


CLUSTERS = np.repeat(np.arange(80), np.arange(80) % 8 + 1)


def places(rng: np.random.Generator) -> Columns:
    """Eighty places with one to eight photographs each, which are much alike."""
    share, far = rng.random(80), rng.normal(size=80)
    n = len(CLUSTERS)
    return {
        "right": (rng.random(n) < share[CLUSTERS]).astype(float),
        "distance": 300.0 * np.exp(far[CLUSTERS] + 0.3 * rng.normal(size=n)),
    }


def test_intervals_of_clusters_hold_the_truth_of_photographs_that_are_alike() -> None:
    for name, share in held(places, {"share": 0.5, "median": 300.0}, CLUSTERS).items():
        assert 0.92 <= share <= 0.98, (name, share)


def test_intervals_of_single_photographs_miss_it_where_photographs_are_alike() -> None:
    for name, share in held(places, {"share": 0.5, "median": 300.0}).items():
        assert share < 0.85, (name, share)
