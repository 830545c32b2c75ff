"""Shared draws against a plain loop over resamples."""

import numpy as np
import pytest

from streetclip.evaluation.bootstrap import Statistic, bootstrap
from streetclip.evaluation.draws import draw, interval

STATISTICS = {
    "mean": Statistic("mean", ("a",)),
    "middle": Statistic("median", ("b",)),
}


def model(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = {"a": rng.normal(size=n), "b": rng.gamma(1.0, 500.0, n)}
    columns["a"][::5] = np.nan
    columns["b"][1::7] = np.nan
    return columns


@pytest.mark.parametrize("n", [40, 41])
def test_values_are_those_of_a_plain_loop(n: int) -> None:
    models = [model(n, 1), model(n, 2)]
    clusters = np.arange(n) // 3
    drawn = draw(models, STATISTICS, clusters=clusters, resamples=60, seed=9)
    k = clusters[-1] + 1
    chosen = np.random.default_rng(9).integers(0, k, size=(60, k))
    members = [np.flatnonzero(clusters == cluster) for cluster in range(k)]
    for row, draws in enumerate(chosen):
        rows = np.concatenate([members[cluster] for cluster in draws])
        for i, columns in enumerate(models):
            mean = drawn.resamples[i, "mean"][row]
            middle = drawn.resamples[i, "middle"][row]
            assert mean == pytest.approx(np.nanmean(columns["a"][rows]))
            assert middle == pytest.approx(np.nanmedian(columns["b"][rows]))
    for i, columns in enumerate(models):
        assert drawn.values[i, "mean"] == pytest.approx(np.nanmean(columns["a"]))
        assert drawn.values[i, "middle"] == pytest.approx(np.nanmedian(columns["b"]))


def test_photographs_alone_are_drawn_as_for_a_single_result() -> None:
    columns = model(50, 3)
    drawn = draw([columns], STATISTICS, clusters=None, resamples=80, seed=4)
    for name, estimate in bootstrap(columns, STATISTICS, resamples=80, seed=4).items():
        assert drawn.values[0, name] == pytest.approx(estimate.value)
        assert interval(drawn.resamples[0, name]) == pytest.approx((estimate.low, estimate.high))


def test_what_no_photograph_counts_for_has_no_value() -> None:
    nothing = {"a": np.full(4, np.nan), "b": np.full(4, np.nan)}
    drawn = draw([nothing], STATISTICS, clusters=None, resamples=10, seed=0)
    assert np.isnan([drawn.values[0, name] for name in STATISTICS]).all()
    assert np.isnan([drawn.resamples[0, name] for name in STATISTICS]).all()


def test_draws_that_say_nothing_are_left_out_of_an_interval() -> None:
    assert interval(np.array([np.nan, 0.0, 1.0, np.nan])) == pytest.approx((0.025, 0.975))
