"""Differences of models against plain loops, hand-made tables and simulations."""

import numpy as np
import pytest
from scipy.stats import binomtest

from streetclip.evaluation.draws import draw
from streetclip.evaluation.paired import COMPARED, ERRORS, column_of, paired
from streetclip.evaluation.significance import SIGNIFICANT, bootstrap_p, holm


def model(right: np.ndarray, distance_km: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Columns in which all shares are of the same photographs."""
    columns = {column_of(name): right.astype(np.float64) for name in COMPARED}
    distance_km = np.where(right, 10.0, 3000.0) if distance_km is None else distance_km
    columns["distance_km"] = distance_km
    columns["geoscore"] = 5000 * np.exp(-distance_km / 1492.7)
    return columns


def two(n: int, seed: int) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    first = rng.gamma(1.0, 800.0, n)
    second = np.where(rng.random(n) < 0.5, first, rng.gamma(1.0, 500.0, n))
    return [model(errors < 500, errors) for errors in (first, second)]


@pytest.mark.parametrize("clusters", [None, np.arange(60) // 2])
def test_differences_and_intervals_are_those_of_a_plain_loop(clusters: np.ndarray | None) -> None:
    models = two(60, seed=1)
    result = paired(models, [(0, 1)], clusters=clusters, resamples=150, seed=7).differences[0]
    k = 60 if clusters is None else 30
    draws = np.random.default_rng(7).integers(0, k, size=(150, k))
    rows = draws if clusters is None else np.stack([2 * draws, 2 * draws + 1], 2).reshape(150, 60)
    for name, found in result.items():
        reduce = np.median if name == "median_km" else np.mean
        one, other = (each[column_of(name)] for each in models)
        apart = [reduce(other[row]) - reduce(one[row]) for row in rows]
        assert found.value == pytest.approx(reduce(other) - reduce(one))
        assert found.low == pytest.approx(np.quantile(apart, 0.025))
        assert found.high == pytest.approx(np.quantile(apart, 0.975))
        assert found.n == 60


def test_values_are_the_same_for_a_model_alone_and_beside_others() -> None:
    models = two(50, seed=2)
    alone = paired(models[1:], [], resamples=100)
    beside = paired(models, [(0, 1)], resamples=100)
    assert dict(alone.estimates[0]) == dict(beside.estimates[1])
    assert alone.differences == ()


def test_discordant_photographs_are_counted_each_way() -> None:
    first = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 1], dtype=bool)
    second = np.array([1, 1, 0, 1, 1, 1, 1, 1, 1, 1], dtype=bool)
    found = paired([model(first), model(second)], [(0, 1)], resamples=100).differences[0]
    country = found["country_accuracy"]
    assert (country.first_only, country.second_only) == (1, 6)
    assert country.value == pytest.approx(0.5)
    assert country.test == "mcnemar"
    assert country.p == pytest.approx(binomtest(1, 7).pvalue - 7 / 2**7)
    assert found["median_km"].first_only is found["geoscore"].second_only is None
    assert found["median_km"].test == found["geoscore"].test == "bootstrap"


def test_the_other_way_round_the_difference_has_the_other_sign() -> None:
    models = two(200, seed=3)
    there = paired(models, [(0, 1)], resamples=200).differences[0]
    back = paired(models, [(1, 0)], resamples=200).differences[0]
    for name, found in there.items():
        other = back[name]
        assert other.value == pytest.approx(-found.value)
        assert (other.low, other.high) == pytest.approx((-found.high, -found.low))
        assert other.p == pytest.approx(found.p)
        assert (other.first_only, other.second_only) == (found.second_only, found.first_only)


def test_a_smaller_error_is_better_and_a_greater_share_is() -> None:
    near, far = model(np.ones(400, bool)), model(np.arange(400) % 2 == 0)
    for pair, better in (((0, 1), "first"), ((1, 0), "second")):
        found = paired([near, far], [pair], resamples=500).differences[0]
        assert {each.better for name, each in found.items() if name not in ERRORS} == {better}
    errors = [np.linspace(100.0, 900.0, 400), np.linspace(300.0, 1100.0, 400)]
    models = [model(np.ones(400, bool), each) for each in errors]
    found = paired(models, [(0, 1)], resamples=500).differences[0]
    assert found["median_km"].value == pytest.approx(200.0)
    assert found["median_km"].better == "first"


def test_a_model_does_not_differ_from_itself() -> None:
    same = two(100, seed=4)[0]
    for found in paired([same, same], [(0, 1)], resamples=200).differences[0].values():
        assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
        assert (found.p, found.adjusted_p, found.better) == (1.0, 1.0, "")


def test_a_photograph_counts_where_it_counts_for_all() -> None:
    models = two(30, seed=5)
    models[0]["region_accuracy"][:10] = np.nan
    models[1]["region_accuracy"][5:12] = np.nan
    models[0]["country_accuracy"][:] = np.nan
    result = paired(models, [(0, 1)], resamples=100)
    region = result.differences[0]["region_accuracy"]
    assert region.n == 18
    assert result.estimates[0]["region_accuracy"].n == 18
    expected = [np.mean(each["region_accuracy"][12:]) for each in models]
    assert region.value == pytest.approx(expected[1] - expected[0])
    assert "country_accuracy" not in result.differences[0]
    assert result.estimates[1]["country_accuracy"].value is None


def test_p_values_are_adjusted_over_the_whole_table() -> None:
    models = [*two(300, seed=6), two(300, seed=7)[1]]
    rows = paired(models, [(0, 1), (0, 2), (1, 2)], resamples=300).differences
    plain = [found.p for row in rows for found in row.values()]
    assert len(plain) == 3 * len(COMPARED)
    assert [found.adjusted_p for row in rows for found in row.values()] == holm(plain)


def test_a_difference_is_real_only_after_the_adjustment() -> None:
    # 14 against 4 discordant: p is 0.02 alone, and more than 0.05 beside eight others.
    first, second = np.zeros(200, bool), np.zeros(200, bool)
    first[:4], second[10:24] = True, True
    found = paired([model(first), model(second)], [(0, 1)], resamples=2000).differences[0]
    country = found["country_accuracy"]
    assert country.p < SIGNIFICANT < country.adjusted_p
    assert country.low > 0
    assert country.better == ""


def test_three_photographs_prove_nothing() -> None:
    near, far = model(np.ones(3, bool)), model(np.zeros(3, bool))
    found = paired([far, near], [(0, 1)], resamples=500).differences[0]
    assert {each.better for each in found.values()} == {""}
    assert min(each.p for each in found.values()) == pytest.approx(0.125)


def simulated(difference: float, runs: int, resamples: int, seed: int) -> dict[str, float]:
    """How often each value is found different between models on 3,000 photographs.

    On a fifth of them one model is right and the other is not; of each value the p-value must be
    at most 0.05 and the interval leave out 0. Power: see test_significance.py.
    """
    rng = np.random.default_rng(seed)
    found = dict.fromkeys(COMPARED, 0)
    for run in range(runs):
        kind = rng.choice(4, p=[0.4, 0.4, 0.1 + difference / 2, 0.1 - difference / 2], size=3000)
        # Errors spread around what is right or wrong, so that medians have no ties.
        errors = [
            rng.gamma(2.0, np.where((kind == 0) | (kind == own), 300.0, 900.0)) for own in (3, 2)
        ]
        models = [
            model((kind == 0) | (kind == own), error)
            for own, error in zip((3, 2), errors, strict=True)
        ]
        row = paired(models, [(0, 1)], resamples=resamples, seed=run).differences[0]
        for name, each in row.items():
            found[name] += each.p <= SIGNIFICANT and not each.low <= 0 <= each.high
    return {name: number / runs for name, number in found.items()}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_what_is_called_different_is_as_often_as_promised() -> None:
    shares = [name for name in COMPARED if name not in ("median_km", "geoscore")]
    planted = simulated(0.03, runs=1000, resamples=200, seed=1)
    assert min(planted[name] for name in shares) >= 0.90
    absent = simulated(0.0, runs=1000, resamples=200, seed=2)
    assert max(absent.values()) <= 0.07


def test_medians_and_scores_of_equal_models_seldom_differ() -> None:
    rng = np.random.default_rng(8)
    found = {"median_km": 0, "geoscore": 0}
    for run in range(200):
        models = [model(np.ones(100, bool), rng.gamma(1.0, 700.0, 100)) for _ in range(2)]
        statistics = {name: COMPARED[name] for name in found}
        drawn = draw(models, statistics, clusters=None, resamples=200, seed=run).resamples
        for name in found:
            p = bootstrap_p(drawn[1, name] - drawn[0, name], differing=100)
            found[name] += p <= SIGNIFICANT
    # 5 % of 200 and three standard errors.
    assert max(found.values()) <= 10 + 3 * np.sqrt(200 * 0.05 * 0.95)
