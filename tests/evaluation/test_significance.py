"""P-values against other ways to compute them, and against what they promise."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm

from streetclip.evaluation.significance import SIGNIFICANT, bootstrap_p, holm, mid_p


def one_by_one(second_only: int, first_only: int, same: int = 3) -> np.ndarray:
    return np.repeat([1, -1, 0], [second_only, first_only, same])


def test_mid_p_is_the_exact_test_less_half_of_what_was_observed() -> None:
    for discordant in range(1, 40):
        for gained in range(discordant + 1):
            exact = binomtest(gained, discordant).pvalue
            middle = 2 * gained == discordant
            half = float(binom.pmf(gained, discordant, 0.5))
            expected = 1.0 if middle else exact - half
            assert mid_p(one_by_one(gained, discordant - gained)) == pytest.approx(expected)


def test_many_discordant_pairs_need_no_approximation() -> None:
    exact = binomtest(20_500, 40_000).pvalue - float(binom.pmf(20_500, 40_000, 0.5))
    assert mid_p(one_by_one(20_500, 19_500)) == pytest.approx(exact)


@pytest.mark.parametrize("gains", [[3, -1, 2, 0, 1], [2, 2, 2, -5], [-4, 1, 1, 1, 1, 1, 7], [6]])
def test_clusters_are_turned_as_a_whole(gains: list[int]) -> None:
    turned = [np.dot(signs, gains) for signs in product((-1, 1), repeat=len(gains))]
    far = np.abs(turned)
    observed = abs(sum(gains))
    # Both tails, and of what is as far as the observed sum the half.
    expected = np.mean(far > observed) + np.mean(far == observed) / 2
    assert mid_p(np.array(gains)) == pytest.approx(1.0 if observed == 0 else expected)


def test_where_nothing_differs_there_is_nothing_to_find() -> None:
    assert mid_p(np.zeros(50, dtype=np.int64)) == 1.0
    assert mid_p(one_by_one(7, 7)) == pytest.approx(1.0)
    assert bootstrap_p(np.zeros(999), differing=0) == 1.0


# Power that theory gives to McNemar's test with n pairs of which a share psi is discordant and
# whose proportions differ by d (Connor, Biometrics 43, 1987): the probability that a normal number
# of mean d sqrt(n) and variance psi - d^2 is beyond 1.96 sqrt(psi). For n = 3,000, psi = 0.2 and
# d = 0.03 it is 95.7 %.
PHOTOGRAPHS, DISCORDANT, PLANTED, RUNS = 3000, 0.2, 0.03, 4000


def found(difference: float, seed: int) -> float:
    """How often the test finds a difference in simulated photographs."""
    rng = np.random.default_rng(seed)
    shares = [(DISCORDANT + difference) / 2, (DISCORDANT - difference) / 2, 1 - DISCORDANT]
    pairs = rng.multinomial(PHOTOGRAPHS, shares, size=RUNS)
    p_values = [mid_p(one_by_one(*counts)) for counts in pairs.tolist()]
    return float(np.mean(np.array(p_values) <= SIGNIFICANT))


def test_a_planted_difference_of_three_points_is_found_as_often_as_theory_says() -> None:
    beyond = float(norm.ppf(0.975)) * np.sqrt(DISCORDANT)
    spread = np.sqrt(DISCORDANT - PLANTED**2)
    power = float(norm.cdf((PLANTED * np.sqrt(PHOTOGRAPHS) - beyond) / spread))
    assert power == pytest.approx(0.957, abs=5e-4)
    rate = found(PLANTED, seed=1)
    assert rate >= 0.90
    # Three standard errors of the simulation, which are 0.3 points each.
    assert rate == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / RUNS))


def test_an_absent_difference_is_found_no_more_often_than_the_level() -> None:
    rate = found(0.0, seed=2)
    assert rate <= 0.07
    assert rate == pytest.approx(SIGNIFICANT, abs=3 * np.sqrt(0.05 * 0.95 / RUNS))


def test_photographs_of_one_place_are_no_evidence_of_their_own() -> None:
    rng = np.random.default_rng(3)
    # 200 places of 5 photographs each, on which two equal models differ all alike.
    places = rng.choice([-1, 0, 1], p=[0.1, 0.8, 0.1], size=(1000, 200))
    singly = np.mean([mid_p(np.repeat(place, 5)) <= SIGNIFICANT for place in places])
    together = np.mean([mid_p(5 * place) <= SIGNIFICANT for place in places])
    assert singly > 0.25
    assert together <= 0.07


def test_a_bootstrap_p_is_the_level_at_which_the_interval_meets_zero() -> None:
    drawn = np.random.default_rng(0).normal(1.7, 1.0, 9999)
    p = bootstrap_p(drawn, differing=500)
    low = np.quantile(drawn, p / 2)
    assert low == pytest.approx(0.0, abs=0.01)
    assert bootstrap_p(-drawn, differing=500) == p


def test_resamples_cannot_show_more_than_they_are() -> None:
    assert bootstrap_p(np.ones(99), differing=500) == 0.02
    assert bootstrap_p(np.array([np.nan, 1.0, 1.0, 1.0]), differing=500) == 0.5


def test_few_photographs_that_differ_prove_nothing() -> None:
    # Four that agree: a sign test gives 2 / 2^4.
    assert bootstrap_p(np.ones(9999), differing=4) == 0.125
    assert bootstrap_p(np.ones(9999), differing=1) == 1.0


def test_holm_multiplies_by_the_tests_that_are_left() -> None:
    # 4 x 0.01, 3 x 0.012, 2 x 0.03, 1 x 0.5; no value below that of a smaller p.
    assert holm([0.5, 0.01, 0.03, 0.012]) == pytest.approx([0.5, 0.04, 0.06, 0.04])
    assert holm([0.4, 0.6]) == pytest.approx([0.8, 0.8])
    assert holm([0.7, 0.9, 0.8]) == [1.0, 1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_holm_holds_the_level_of_the_whole_family() -> None:
    rng = np.random.default_rng(4)
    false = [min(holm(list(rng.random(9)))) <= SIGNIFICANT for _ in range(2000)]
    assert np.mean(false) <= 0.065
