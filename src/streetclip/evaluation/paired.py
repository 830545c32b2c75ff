"""Models on the same photographs: differences with paired intervals and p-values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64, Int64

from streetclip.evaluation.bootstrap import Estimate, Statistic, completed
from streetclip.evaluation.draws import Draws, draw, interval
from streetclip.evaluation.significance import SIGNIFICANT, bootstrap_p, holm, mid_p
from streetclip.evaluation.values import STATISTICS
from streetclip.metrics.functional import RADII_KM

Columns = Mapping[str, Float64[np.ndarray, " n"]]

# The values that are compared; each is made of one column.
COMPARED: Mapping[str, Statistic] = MappingProxyType(
    {
        name: STATISTICS[name]
        for name in (
            *(f"within_{r}km" for r in RADII_KM),
            "median_km",
            "geoscore",
            "country_accuracy",
            "region_accuracy",
        )
    }
)
# Lower is better.
ERRORS = ("median_km",)
# Numbers, not shares of photographs that are right: McNemar's test does not speak of them.
_NUMBERS = ("median_km", "geoscore")


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a second model is from a first, on the same photographs.

    Args:
        value: The second's value less the first's; shares are -1 to 1.
        n: Photographs that count.
        low: Lower end of the 95 % interval.
        high: Upper end.
        p: Two-sided p-value.
        test: ``mcnemar`` or ``bootstrap``.
        adjusted_p: By Holm, over all differences of the table.
        first_only: Photographs on which only the first is right; None where it is no share.
        second_only: Photographs on which only the second is right.
        better: ``first`` or ``second`` where the difference is real: its adjusted p-value is at
            most 0.05 and its interval leaves out 0. Otherwise empty.
    """

    value: float
    n: int
    low: float
    high: float
    p: float
    test: str
    adjusted_p: float = 1.0
    first_only: int | None = None
    second_only: int | None = None
    better: str = ""


@dataclass(frozen=True)
class Paired:
    """What comes out of models on the same photographs.

    Args:
        estimates: For each model, its values on these photographs.
        differences: For each pair, by name of the value; those no photograph counts for are left
            out.
    """

    estimates: tuple[Mapping[str, Estimate], ...]
    differences: tuple[Mapping[str, Difference], ...]


def column_of(name: str) -> str:
    """What of each photograph makes up a value.

    Args:
        name: Of `COMPARED`.

    Example:
        >>> column_of("median_km")
        'distance_km'
    """
    (column,) = COMPARED[name].columns
    return column


def paired(
    models: Sequence[Columns],
    pairs: Sequence[tuple[int, int]],
    *,
    clusters: Int64[np.ndarray, " n"] | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> Paired:
    """Compare models that have answered for the same photographs.

    Photographs, or clusters of them, are drawn once, and the same draw is used for all models:
    what is hard for both leaves their difference alone.

    Args:
        models: For each, what each photograph contributes to each value, with the columns that
            `COMPARED` names; NaN where it does not count. It counts where it counts for all.
        pairs: Numbers of a first and a second model.
        clusters: Of each photograph the number of its cluster, from 0 without gaps; None where
            each stands alone.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Values and differences.

    Example:
        >>> import numpy as np
        >>> right = np.arange(200) % 4 > 0
        >>> def model(right):
        ...     columns = {column_of(name): right.astype(float) for name in COMPARED}
        ...     return columns | {"distance_km": np.where(right, 10.0, 3000.0)}
        >>> models = [model(right), model(right | (np.arange(200) < 40))]
        >>> result = paired(models, [(0, 1)], resamples=500)
        >>> found = result.differences[0]["within_25km"]
        >>> round(found.value, 6), found.first_only, found.second_only, found.better
        (0.05, 0, 10, 'second')
    """
    models = _counting_alike(models)
    drawn = draw(models, COMPARED, clusters=clusters, resamples=resamples, seed=seed)
    differences = [
        {
            name: _difference(models, pair, name, clusters, drawn)
            for name in COMPARED
            if not np.isnan(models[0][column_of(name)]).all()
        }
        for pair in pairs
    ]
    estimates = tuple(
        {name: _estimate(model[column_of(name)], drawn, (i, name), clusters) for name in COMPARED}
        for i, model in enumerate(models)
    )
    return Paired(estimates, tuple(_judged(differences)))


def _counting_alike(models: Sequence[Columns]) -> list[dict[str, Float64[np.ndarray, " n"]]]:
    columns = {column_of(name) for name in COMPARED}
    unknown = {
        name: np.any([np.isnan(model[name]) for model in models], axis=0) for name in columns
    }
    return [
        {name: np.where(unknown[name], np.nan, model[name]) for name in columns} for model in models
    ]


def _estimate(
    column: Float64[np.ndarray, " n"],
    drawn: Draws,
    key: tuple[int, str],
    clusters: Int64[np.ndarray, " n"] | None,
) -> Estimate:
    n = int(np.count_nonzero(~np.isnan(column)))
    if not n:
        return Estimate(None, 0)
    estimate = Estimate(drawn.values[key], n, *interval(drawn.resamples[key]))
    return completed(estimate, column, clusters)


def _difference(
    models: Sequence[Columns],
    pair: tuple[int, int],
    name: str,
    clusters: Int64[np.ndarray, " n"] | None,
    drawn: Draws,
) -> Difference:
    first, second = pair
    each = models[second][column_of(name)] - models[first][column_of(name)]
    known = ~np.isnan(each)
    alone = np.arange(len(each)) if clusters is None else clusters
    apart = drawn.resamples[second, name] - drawn.resamples[first, name]
    low, high = interval(apart)
    value = drawn.values[second, name] - drawn.values[first, name]
    n = int(np.count_nonzero(known))
    if name in _NUMBERS:
        differing = len(np.unique(alone[known & (each != 0)]))
        p = bootstrap_p(apart, differing=differing)
        return Difference(value, n, low, high, p, "bootstrap")
    gains = np.bincount(alone[known], weights=each[known]).round().astype(np.int64)
    return Difference(
        value,
        n,
        low,
        high,
        mid_p(gains),
        "mcnemar",
        first_only=int(np.count_nonzero(each == -1)),
        second_only=int(np.count_nonzero(each == 1)),
    )


def _judged(table: Sequence[Mapping[str, Difference]]) -> list[dict[str, Difference]]:
    """The same differences with what the whole table makes of them."""
    adjusted = iter(holm([found.p for row in table for found in row.values()]))
    return [
        {
            name: replace(found, adjusted_p=p, better=_better(name, found, p))
            for (name, found), p in zip(row.items(), _take(adjusted, len(row)), strict=True)
        }
        for row in table
    ]


def _take(values: Iterator[float], number: int) -> list[float]:
    return [next(values) for _ in range(number)]


def _better(name: str, found: Difference, adjusted_p: float) -> str:
    if adjusted_p > SIGNIFICANT or found.low <= 0 <= found.high:
        return ""
    return "second" if (found.value > 0) != (name in ERRORS) else "first"
