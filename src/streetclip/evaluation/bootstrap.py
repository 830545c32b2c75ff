"""Intervals by the bootstrap: photographs are drawn again and again, with replacement."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

LEVEL = 0.95
# Counts of one block of resamples; more would only leave the cache.
_BLOCK_COUNTS = 2_000_000


@dataclass(frozen=True, slots=True)
class Statistic:
    """How a column of numbers, one a photograph, becomes one number.

    Args:
        kind: ``mean``, ``median``, or ``harmonic``: the harmonic mean of two means.
        columns: One column, or two for ``harmonic``.
    """

    kind: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval.

    Args:
        value: None where no photograph counts.
        n: Photographs that count.
        low: Lower end, or None where there is no interval.
        high: Upper end.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


def bootstrap(
    columns: Mapping[str, Float[np.ndarray, " n"]],
    statistics: Mapping[str, Statistic],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every statistic with its percentile interval, all from the same resamples.

    A resample is told by how often it draws each photograph, so that a mean over 1,000 resamples
    is one matrix product and a median one running sum over photographs in order.

    Args:
        columns: Numbers of the photographs; NaN where a photograph does not count.
        statistics: By name.
        resamples: How many.
        seed: The same seed gives the same interval on any machine.

    Returns:
        One estimate a statistic.

    Example:
        >>> import numpy as np
        >>> right = {"right": np.array([1.0, 1.0, 0.0, 1.0] * 25)}
        >>> bootstrap(right, {"accuracy": Statistic("mean", ("right",))})["accuracy"]
        Estimate(value=0.75, n=100, low=0.67, high=0.84)
    """
    n = len(next(iter(columns.values())))
    plain = np.ones((1, n))
    estimators = {
        name: _ESTIMATORS[statistic.kind]([columns[column] for column in statistic.columns])
        for name, statistic in statistics.items()
    }
    drawn: dict[str, list[Float64[np.ndarray, " _"]]] = {name: [] for name in statistics}
    for counts in _resamples(n, resamples, seed):
        for name, estimator in estimators.items():
            drawn[name].append(estimator(counts))
    return {
        name: _estimate(
            float(estimators[name](plain)[0]),
            _counted([columns[column] for column in statistic.columns]),
            np.concatenate([*drawn[name], np.empty(0)]),
        )
        for name, statistic in statistics.items()
    }


_Estimator = Callable[[Float64[np.ndarray, "r n"]], Float64[np.ndarray, " r"]]


def _resamples(n: int, resamples: int, seed: int) -> Iterator[Float64[np.ndarray, "r n"]]:
    """How often each photograph is drawn, in blocks of resamples."""
    rng = np.random.default_rng(seed)
    block = max(_BLOCK_COUNTS // max(n, 1), 1)
    for start in range(0, resamples if n else 0, block):
        rows = min(block, resamples - start)
        draws = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(draws.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def _mean(columns: Sequence[Float[np.ndarray, " n"]]) -> _Estimator:
    (column,) = columns
    known = ~np.isnan(column)
    weights = np.stack([np.where(known, column, 0.0), known.astype(np.float64)], axis=1)

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, " r"]:
        total, number = (counts @ weights).T
        share = np.full(len(counts), np.nan)
        np.divide(total, number, out=share, where=number > 0)
        return share

    return estimate


def _median(columns: Sequence[Float[np.ndarray, " n"]]) -> _Estimator:
    (column,) = columns
    order = np.argsort(column, kind="stable")[: int(np.count_nonzero(~np.isnan(column)))]
    ordered = column[order].astype(np.float64)

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, " r"]:
        if not len(ordered):
            return np.full(len(counts), np.nan)
        running = counts[:, order].cumsum(axis=1)
        number = running[:, -1]
        lower = _first_above(running, np.floor((number - 1) / 2))
        upper = _first_above(running, np.floor(number / 2))
        middle: Float64[np.ndarray, " r"] = (ordered[lower] + ordered[upper]) / 2
        middle[number == 0] = np.nan
        return middle

    return estimate


def _first_above(
    running: Float64[np.ndarray, "r k"], rank: Float64[np.ndarray, " r"]
) -> Int64[np.ndarray, " r"]:
    """The position of the drawn number with a rank, counted from 0, in each resample."""
    return np.asarray(np.argmax(running > rank[:, None], axis=1))


def _harmonic(columns: Sequence[Float[np.ndarray, " n"]]) -> _Estimator:
    first, second = (_mean([column]) for column in columns)

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, " r"]:
        a, b = first(counts), second(counts)
        with np.errstate(invalid="ignore"):
            return np.where(a + b == 0, 0.0, 2 * a * b / (a + b))

    return estimate


_ESTIMATORS: dict[str, Callable[[Sequence[Float[np.ndarray, " n"]]], _Estimator]] = {
    "mean": _mean,
    "median": _median,
    "harmonic": _harmonic,
}


def _counted(columns: Sequence[Float[np.ndarray, " n"]]) -> int:
    return sum(int(np.count_nonzero(~np.isnan(column))) for column in columns)


def _estimate(value: float, n: int, drawn: Float64[np.ndarray, " r"]) -> Estimate:
    if np.isnan(value):
        return Estimate(None, n)
    # A resample that draws none of the photographs that count says nothing about the value.
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return Estimate(value, n)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, n, float(low), float(high))
