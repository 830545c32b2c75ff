"""The same resamples for several models, so that what is drawn leaves their differences alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from streetclip.evaluation.bootstrap import LEVEL, Statistic, resampled_counts
from streetclip.evaluation.estimators import ESTIMATORS


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
    statistics: Mapping[str, Statistic],
    *,
    clusters: Int64[np.ndarray, " n"] | None,
    resamples: int,
    seed: int,
) -> Draws:
    """Draw photographs or clusters of them with replacement, each draw for all models.

    Args:
        models: For each its columns, one number a photograph; NaN where it does not count.
        statistics: By name.
        clusters: Of each photograph the number of its cluster; None draws them one by one.
        resamples: How many.
        seed: The same seed gives the same draws, which are also those of `bootstrap`.

    Returns:
        The values.

    Example:
        >>> import numpy as np
        >>> columns = {"a": np.array([1.0, 2.0, 6.0])}
        >>> mean = {"m": Statistic("mean", ("a",))}
        >>> drawn = draw([columns], mean, clusters=None, resamples=4, seed=0)
        >>> drawn.values[0, "m"], len(drawn.resamples[0, "m"])
        (3.0, 4)
    """
    estimators = {
        (i, name): ESTIMATORS[statistic.kind]([model[column] for column in statistic.columns])
        for i, model in enumerate(models)
        for name, statistic in statistics.items()
    }
    n = len(next(iter(models[0].values())))
    drawn: dict[tuple[int, str], list[Float64[np.ndarray, " _"]]] = {key: [] for key in estimators}
    for counts in resampled_counts(n, clusters=clusters, resamples=resamples, seed=seed):
        for key, estimate in estimators.items():
            drawn[key].append(estimate(counts))
    whole = np.ones((1, n))
    return Draws(
        {key: float(estimate(whole)[0]) for key, estimate in estimators.items()},
        {key: np.concatenate(blocks) for key, blocks in drawn.items()},
    )


def interval(drawn: Float64[np.ndarray, " r"]) -> tuple[float, float]:
    """The 95 % percentile interval.

    Args:
        drawn: A value in each resample, or the difference of two; NaN says nothing.

    Returns:
        Its lower and upper end.

    Example:
        >>> import numpy as np
        >>> tuple(round(end, 3) for end in interval(np.arange(41.0)))
        (1.0, 39.0)
    """
    low, high = np.quantile(drawn[~np.isnan(drawn)], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
