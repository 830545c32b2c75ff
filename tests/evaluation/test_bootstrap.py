"""The bootstrap against a plain loop over resamples, and against its promise."""

import numpy as np
import pytest
from scipy.stats import binomtest

from streetclip.evaluation.bootstrap import Estimate, Statistic, bootstrap, resampled_counts

STATISTICS = {
    "mean": Statistic("mean", ("a",)),
    "median": Statistic("median", ("a",)),
    "harmonic": Statistic("harmonic", ("seen", "unseen")),
}


# Value, lower and upper end of 50 photographs before there were clusters, rounded.
FIRST = {
    "mean": [563.473846, 424.564947, 683.072699],
    "median": [453.415888, 287.305364, 677.632682],
    "harmonic": [0.568149, 0.408104, 0.72026],
}


def columns(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = rng.gamma(1.0, 500.0, n)
    a[::7] = np.nan
    right = (rng.random(n) < 0.6).astype(float)
    first = rng.random(n) < 0.5
    return {
        "a": a,
        "seen": np.where(first, right, np.nan),
        "unseen": np.where(first, np.nan, right),
    }


def plain(name: str, data: dict[str, np.ndarray], draw: np.ndarray) -> float:
    drawn = {key: column[draw] for key, column in data.items()}
    if name == "harmonic":
        one, two = np.nanmean(drawn["seen"]), np.nanmean(drawn["unseen"])
        return float(2 / (1 / one + 1 / two))
    return float(np.nanmean(drawn["a"]) if name == "mean" else np.nanmedian(drawn["a"]))


@pytest.mark.parametrize("name", list(STATISTICS))
@pytest.mark.parametrize("n", [50, 51])
def test_intervals_are_those_of_a_plain_loop(name: str, n: int) -> None:
    data = columns(n, seed=3)
    estimate = bootstrap(data, {name: STATISTICS[name]}, resamples=200, seed=11)[name]
    draws = np.random.default_rng(11).integers(0, n, size=(200, n))
    values = [plain(name, data, draw) for draw in draws]
    assert estimate.value == pytest.approx(plain(name, data, np.arange(n)))
    assert estimate.low == pytest.approx(np.quantile(values, 0.025))
    assert estimate.high == pytest.approx(np.quantile(values, 0.975))


@pytest.mark.parametrize("name", list(STATISTICS))
def test_intervals_of_clusters_are_those_of_a_plain_loop_over_clusters(name: str) -> None:
    data = columns(60, seed=4)
    clusters = np.random.default_rng(5).permutation(np.repeat(np.arange(15), 4))
    estimate = bootstrap(data, {name: STATISTICS[name]}, clusters=clusters, resamples=200, seed=11)[
        name
    ]
    members = [np.flatnonzero(clusters == number) for number in range(15)]
    draws = np.random.default_rng(11).integers(0, 15, size=(200, 15))
    values = [
        plain(name, data, np.concatenate([members[number] for number in draw])) for draw in draws
    ]
    assert estimate.low == pytest.approx(np.quantile(values, 0.025))
    assert estimate.high == pytest.approx(np.quantile(values, 0.975))


def test_clusters_of_one_photograph_change_nothing() -> None:
    data = columns(50, seed=3)
    alone = bootstrap(data, STATISTICS, resamples=100, seed=1)
    clustered = bootstrap(data, STATISTICS, clusters=np.arange(50), resamples=100, seed=1)
    assert clustered == alone


def test_intervals_of_single_photographs_stay_what_they_were() -> None:
    estimates = bootstrap(columns(50, seed=3), STATISTICS, resamples=200, seed=11)
    found = {
        name: [round(float(end), 6) for end in (e.value, e.low, e.high)]  # type: ignore[arg-type]
        for name, e in estimates.items()
    }
    assert found == FIRST


def test_clusters_are_drawn_whole_and_as_many_as_there_are() -> None:
    clusters = np.array([0, 1, 0, 2, 2, 2])
    (counts,) = resampled_counts(6, clusters=clusters, resamples=50, seed=0)
    assert (counts[:, 0] == counts[:, 2]).all()
    assert (counts[:, 3] == counts[:, 5]).all()
    assert (counts[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_only_photographs_that_count_are_counted() -> None:
    estimates = bootstrap(columns(70, seed=0), STATISTICS, resamples=20)
    assert estimates["mean"].n == estimates["median"].n == 60
    assert estimates["harmonic"].n == 70


def test_where_nothing_counts_there_is_no_value() -> None:
    nothing = {"a": np.full(5, np.nan)}
    for kind in ("mean", "median"):
        estimates = bootstrap(nothing, {"x": Statistic(kind, ("a",))}, resamples=20)
        assert estimates["x"] == Estimate(None, 0)


def test_two_accuracies_of_zero_have_the_harmonic_mean_zero() -> None:
    data = {"seen": np.array([0.0, np.nan]), "unseen": np.array([np.nan, 0.0])}
    assert bootstrap(data, {"h": STATISTICS["harmonic"]}, resamples=20)["h"].value == 0.0


def test_the_same_seed_gives_the_same_interval_in_any_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = columns(40, seed=1)
    whole = bootstrap(data, STATISTICS, resamples=64, seed=5)
    monkeypatch.setattr("streetclip.evaluation.bootstrap._BLOCK_COUNTS", 200)
    assert bootstrap(data, STATISTICS, resamples=64, seed=5) == whole
    assert bootstrap(data, STATISTICS, resamples=64, seed=6) != whole
    clusters = np.arange(40) // 2
    cut = bootstrap(data, STATISTICS, clusters=clusters, resamples=64, seed=5)
    monkeypatch.undo()
    assert bootstrap(data, STATISTICS, clusters=clusters, resamples=64, seed=5) == cut


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_nothing_or_all_has_the_exact_interval(share: float) -> None:
    statistics = {"share": Statistic("mean", ("right",))}
    data = {"right": np.array([share] * 40 + [np.nan] * 5)}
    found = bootstrap(data, statistics, resamples=20)["share"]
    exact = binomtest(int(40 * share), 40).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    # As many independent observations as there are clusters.
    clusters = np.arange(45) // 4
    wider = bootstrap(data, statistics, clusters=clusters, resamples=20)["share"]
    exact = binomtest(int(10 * share), 10).proportion_ci(0.95, method="exact")
    assert (wider.low, wider.high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize(("clusters", "has_interval"), [(1, False), (4, False), (5, True)])
def test_too_few_clusters_give_no_interval(clusters: int, has_interval: bool) -> None:
    data = columns(60, seed=3)
    found = bootstrap(data, STATISTICS, clusters=np.arange(60) % clusters, resamples=50)
    whole = bootstrap(data, STATISTICS, resamples=50)
    for name, estimate in found.items():
        assert estimate.value == whole[name].value
        assert (estimate.low is not None, estimate.high is not None) == (has_interval,) * 2
