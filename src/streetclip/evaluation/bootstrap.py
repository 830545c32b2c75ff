"""Intervals by the bootstrap: photographs are drawn again and again, with replacement.

Photographs that are no independent evidence, because one person took them or in one place, are
drawn together, as clusters: with replacement, each with all its photographs (Field and Welsh,
Bootstrapping clustered data, 2007).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64, Int64

from streetclip.evaluation.calibration import calibration_interval
from streetclip.evaluation.estimators import ESTIMATORS, calibration_gaps

LEVEL = 0.95
LEAST_CLUSTERS = 5
"""Of fewer clusters the draws are nearly all alike, and an interval would be too narrow to tell."""
# Counts of one block of resamples; more would only leave the cache.
_BLOCK_COUNTS = 2_000_000
# The interval of the calibration error needs to know of each bin whether its gap is clear.
_KINDS = {**ESTIMATORS, "calibration": calibration_gaps}


@dataclass(frozen=True, slots=True)
class Statistic:
    """How a column of numbers, one a photograph, becomes one number.

    Args:
        kind: A name of `estimators.ESTIMATORS`: ``mean``, ``median``, ``harmonic`` (the harmonic
            mean of two means), ``calibration`` or ``selective``.
        columns: One column for ``mean`` and ``median``, two for the others.
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
    clusters: Int64[np.ndarray, " n"] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every statistic with its percentile interval, all from the same resamples.

    A resample is told by how often it draws each photograph, so that a mean over 1,000 resamples
    is one matrix product and a median one running sum over photographs in order. The calibration
    error has the interval of `calibration.calibration_interval`, and a share of 0 or 1, which all
    resamples repeat, that of `one_sided`. Fewer than `LEAST_CLUSTERS` clusters give none.

    Args:
        columns: Numbers of the photographs; NaN where a photograph does not count.
        statistics: By name.
        clusters: Number of each photograph's cluster, from 0 without gaps; None draws
            photographs one by one.
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
        name: _KINDS[statistic.kind]([columns[column] for column in statistic.columns])
        for name, statistic in statistics.items()
    }
    drawn: dict[str, list[Float64[np.ndarray, "r ..."]]] = {
        name: [estimator(plain)] for name, estimator in estimators.items()
    }
    for counts in resampled_counts(n, clusters=clusters, resamples=resamples, seed=seed):
        for name, estimator in estimators.items():
            drawn[name].append(estimator(counts))
    found = {
        name: _estimate(np.concatenate(drawn[name]), _counted(statistic, columns))
        for name, statistic in statistics.items()
    }
    return {
        name: completed(estimate, columns[statistics[name].columns[0]], clusters)
        if statistics[name].kind == "mean"
        else without_few(estimate, clusters)
        for name, estimate in found.items()
    }


def completed(
    estimate: Estimate,
    column: Float[np.ndarray, " n"],
    clusters: Int64[np.ndarray, " n"] | None,
) -> Estimate:
    """The estimate of a mean, with the interval that the bootstrap cannot give.

    Args:
        estimate: Of the bootstrap.
        column: Numbers of the photographs; NaN where a photograph does not count.
        clusters: As in `bootstrap`.

    Returns:
        The estimate; with the interval of `one_sided` where the column holds only zeros or only
        ones, and without one where there are too few clusters.
    """
    known = ~np.isnan(column)
    share = estimate.value
    if share not in (0.0, 1.0) or estimate.low is None or not (column[known] == share).all():
        return without_few(estimate, clusters)
    units = estimate.n if clusters is None else len(np.unique(clusters[known]))
    low, high = one_sided(share, units)
    return without_few(replace(estimate, low=low, high=high), clusters)


def one_sided(share: float, units: int) -> tuple[float, float]:
    """The exact interval of a share of which all draws are the same.

    Args:
        share: 0 or 1.
        units: Photographs or clusters that were looked at.

    Returns:
        Both ends.

    Source:
        Clopper and Pearson, The use of confidence or fiducial limits, 1934.

    Example:
        >>> [round(end, 3) for end in one_sided(0.0, 237)]
        [0.0, 0.015]
    """
    room = 1 - ((1 - LEVEL) / 2) ** (1 / units)
    return (0.0, room) if share == 0.0 else (1 - room, 1.0)


def without_few(estimate: Estimate, clusters: Int64[np.ndarray, " n"] | None) -> Estimate:
    """An estimate that has no interval where too few clusters were drawn.

    Args:
        estimate: Of the bootstrap.
        clusters: As in `bootstrap`.
    """
    if clusters is None or int(clusters.max(initial=-1)) + 1 >= LEAST_CLUSTERS:
        return estimate
    return replace(estimate, low=None, high=None)


def resampled_counts(
    n: int,
    *,
    clusters: Int64[np.ndarray, " n"] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Iterator[Float64[np.ndarray, "r n"]]:
    """How often each photograph is drawn, in blocks of resamples.

    Args:
        n: Photographs.
        clusters: As in `bootstrap`; as many clusters are drawn as there are, each with all its
            photographs.
        resamples: How many.
        seed: The same seed draws the same, however the blocks are cut.

    Yields:
        One row a resample.

    Example:
        >>> (counts,) = resampled_counts(4, clusters=np.array([0, 0, 1, 1]), resamples=2)
        >>> bool((counts[:, 0] == counts[:, 1]).all()), counts.sum(axis=1).tolist()
        (True, [4.0, 4.0])
    """
    rng = np.random.default_rng(seed)
    groups = n if clusters is None else int(clusters.max(initial=-1)) + 1
    block = max(_BLOCK_COUNTS // max(n, 1), 1)
    for start in range(0, resamples if n else 0, block):
        rows = min(block, resamples - start)
        draws = rng.integers(0, groups, size=(rows, groups)) + groups * np.arange(rows)[:, None]
        counts = np.bincount(draws.ravel(), minlength=rows * groups).reshape(rows, groups)
        yield (counts if clusters is None else counts[:, clusters]).astype(np.float64)


def _counted(statistic: Statistic, columns: Mapping[str, Float[np.ndarray, " n"]]) -> int:
    known = [~np.isnan(columns[column]) for column in statistic.columns]
    if statistic.kind == "harmonic":
        return sum(int(np.count_nonzero(each)) for each in known)
    return int(np.count_nonzero(np.all(known, axis=0)))


def _estimate(drawn: Float64[np.ndarray, "r ..."], n: int) -> Estimate:
    """The value, which stands first, and the interval of the resamples behind it."""
    # Bins of the calibration error have a second axis.
    bins = drawn.ndim == 2
    value = float(np.abs(drawn[0]).sum()) if bins else float(drawn[0])
    if np.isnan(value):
        return Estimate(None, n)
    # A resample that draws none of the photographs that count says nothing about the value.
    rest = drawn[1:][~np.isnan(drawn[1:].reshape(len(drawn) - 1, -1)).any(axis=1)]
    if not len(rest):
        return Estimate(value, n)
    if bins:
        return Estimate(value, n, *calibration_interval(drawn[0], rest, level=LEVEL))
    low, high = np.quantile(rest, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, n, float(low), float(high))
