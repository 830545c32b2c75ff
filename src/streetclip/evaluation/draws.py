"""The same resamples for several models, so that what is drawn leaves their differences alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from streetclip.evaluation.bootstrap import LEVEL

# Counts of one block of resamples; more would only leave the cache.
_BLOCK_COUNTS = 2_000_000


@dataclass(frozen=True)
class Draws:
    """Every value of every model, by the number of the model and the name of the value.

    Args:
        values: As they are; NaN where no photograph counts.
        resamples: In every resample; NaN where it draws no photograph that counts.
    """

    values: Mapping[tuple[int, str], float]
    resamples: Mapping[tuple[int, str], Float64[np.ndarray, " r"]]


def draw(
    models: Sequence[Mapping[str, Float64[np.ndarray, " n"]]],
    statistics: Mapping[str, str],
    *,
    medians: Collection[str],
    groups: Int64[np.ndarray, " n"],
    resamples: int,
    seed: int,
) -> Draws:
    """Draw groups of photographs with replacement, each draw for all models.

    Args:
        models: For each its columns, one number a photograph; NaN where it does not count.
        statistics: Names of values to the column each is made of.
        medians: The values that are medians; the others are means.
        groups: Of each photograph the number of its group, from 0 without gaps.
        resamples: How many.
        seed: The same seed gives the same draws.

    Returns:
        The values.

    Example:
        >>> import numpy as np
        >>> columns = {"a": np.array([1.0, 2.0, 6.0])}
        >>> alone = np.arange(3)
        >>> drawn = draw([columns], {"m": "a"}, medians=(), groups=alone, resamples=4, seed=0)
        >>> drawn.values[0, "m"], len(drawn.resamples[0, "m"])
        (3.0, 4)
    """
    k = int(groups.max()) + 1
    keys = [(i, name) for i in range(len(models)) for name in statistics]
    means = [key for key in keys if key[1] not in medians]
    middles = [key for key in keys if key[1] in medians]
    columns = {(i, name): models[i][statistics[name]] for i, name in keys}
    weights = np.stack([_sums(columns[key], groups, k) for key in means], axis=1)
    orders = {key: _order(columns[key]) for key in middles}
    found: dict[tuple[int, str], list[Float64[np.ndarray, " _"]]] = {key: [] for key in keys}
    for counts in _counts(k, resamples, seed):
        for key, drawn in zip(means, _ratios(counts, weights).T, strict=True):
            found[key].append(drawn)
        for key, order in orders.items():
            found[key].append(_medians(counts[:, groups[order]], columns[key][order]))
    # The first draw takes each group once.
    whole = {key: np.concatenate(drawn) for key, drawn in found.items()}
    return Draws(
        {key: float(drawn[0]) for key, drawn in whole.items()},
        {key: drawn[1:] for key, drawn in whole.items()},
    )


def interval(drawn: Float64[np.ndarray, " r"]) -> tuple[float, float]:
    """The 95 % percentile interval.

    Args:
        drawn: A value in each resample, or the difference of two; NaN says nothing.

    Returns:
        Its lower and upper end.

    Example:
        >>> import numpy as np
        >>> interval(np.arange(41.0))
        (1.0, 39.0)
    """
    low, high = np.quantile(drawn[~np.isnan(drawn)], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _counts(k: int, resamples: int, seed: int) -> Iterator[Float64[np.ndarray, "r k"]]:
    """How often each group is drawn, in blocks of resamples; first of all each once."""
    yield np.ones((1, k))
    rng = np.random.default_rng(seed)
    block = max(_BLOCK_COUNTS // k, 1)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        draws = rng.integers(0, k, size=(rows, k)) + k * np.arange(rows)[:, None]
        yield np.bincount(draws.ravel(), minlength=rows * k).reshape(rows, k).astype(np.float64)


def _sums(
    column: Float64[np.ndarray, " n"], groups: Int64[np.ndarray, " n"], k: int
) -> Float64[np.ndarray, "k 2"]:
    """Of each group the sum, and the number of photographs that count."""
    known = ~np.isnan(column)
    total = np.bincount(groups, weights=np.where(known, column, 0.0), minlength=k)
    return np.stack([total, np.bincount(groups, weights=known, minlength=k)], axis=1)


def _ratios(
    counts: Float64[np.ndarray, "r k"], weights: Float64[np.ndarray, "k v 2"]
) -> Float64[np.ndarray, "r v"]:
    drawn = (counts @ weights.reshape(len(weights), -1)).reshape(len(counts), -1, 2)
    means = np.full(drawn.shape[:2], np.nan)
    np.divide(drawn[..., 0], drawn[..., 1], out=means, where=drawn[..., 1] > 0)
    return means


def _order(column: Float64[np.ndarray, " n"]) -> Int64[np.ndarray, " m"]:
    """The photographs that count, by their number."""
    return np.argsort(column, kind="stable")[: int(np.count_nonzero(~np.isnan(column)))]


def _medians(
    counts: Float64[np.ndarray, "r m"], ordered: Float64[np.ndarray, " m"]
) -> Float64[np.ndarray, " r"]:
    if not len(ordered):
        return np.full(len(counts), np.nan)
    running = counts.cumsum(axis=1)
    number = running[:, -1:]
    lower = np.argmax(running > np.floor((number - 1) / 2), axis=1)
    upper = np.argmax(running > np.floor(number / 2), axis=1)
    return np.where(number[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)
