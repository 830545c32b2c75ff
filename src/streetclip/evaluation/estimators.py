"""Columns of numbers, one a photograph, become one number in each resample.

A resample is told by how often it holds each photograph, so that all resamples of a block go
through one matrix product or one running sum, without a loop over them or over photographs.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from streetclip.evaluation.calibration import bin_numbers, last_of_equal

Column: TypeAlias = Float[np.ndarray, " n"]
Estimator: TypeAlias = Callable[[Float64[np.ndarray, "r n"]], Float64[np.ndarray, " r"]]


def mean(columns: Sequence[Column]) -> Estimator:
    """The mean of a column, over the photographs that count.

    Args:
        columns: One; NaN where a photograph does not count.

    Returns:
        Counts ``[r, n]`` to means ``[r]``; NaN where a resample holds no photograph that counts.

    Example:
        >>> mean([np.array([1.0, 4.0])])(np.array([[1.0, 1.0], [3.0, 0.0]])).tolist()
        [2.5, 1.0]
    """
    (column,) = columns
    known = ~np.isnan(column)
    weights = np.stack([np.where(known, column, 0.0), known.astype(np.float64)], axis=1)

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, " r"]:
        total, number = (counts @ weights).T
        return _ratio(total, number)

    return estimate


def median(columns: Sequence[Column]) -> Estimator:
    """The median of a column, over the photographs that count.

    Args:
        columns: One; NaN where a photograph does not count.

    Returns:
        Counts ``[r, n]`` to medians ``[r]``, by a running sum over the photographs in order.

    Example:
        >>> median([np.array([1.0, 4.0])])(np.array([[1.0, 1.0], [3.0, 0.0]])).tolist()
        [2.5, 1.0]
    """
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


def harmonic(columns: Sequence[Column]) -> Estimator:
    """The harmonic mean of the means of two columns; 0 where both are 0.

    Args:
        columns: Two.

    Returns:
        Counts ``[r, n]`` to numbers ``[r]``.

    Example:
        >>> seen, unseen = np.array([1.0, np.nan]), np.array([np.nan, 0.5])
        >>> harmonic([seen, unseen])(np.ones((1, 2))).round(3).tolist()
        [0.667]
    """
    first, second = (mean([column]) for column in columns)

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, " r"]:
        a, b = first(counts), second(counts)
        with np.errstate(invalid="ignore"):
            return np.where(a + b == 0, 0.0, 2 * a * b / (a + b))

    return estimate


def calibration_error(columns: Sequence[Column]) -> Estimator:
    """The expected calibration error (ECE): the mean gap of claim and truth over bins.

    Args:
        columns: Probabilities of the answers, and 1 or 0 for right or wrong.

    Returns:
        Counts ``[r, n]`` to errors ``[r]``.

    Source: Naeini et al. 2015 and Guo et al. (arXiv 1706.04599); bins as in `bin_numbers`.

    Example:
        >>> sure, right = np.array([0.9, 0.9, 0.9, 0.9]), np.array([1.0, 1.0, 0.0, 0.0])
        >>> calibration_error([sure, right])(np.ones((1, 4))).round(3).tolist()
        [0.4]
    """
    gaps_of = calibration_gaps(columns)

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, " r"]:
        return np.asarray(np.abs(gaps_of(counts)).sum(axis=1))

    return estimate


def calibration_gaps(
    columns: Sequence[Column],
) -> Callable[[Float64[np.ndarray, "r n"]], Float64[np.ndarray, "r k"]]:
    """What each bin adds to the calibration error, with its sign: below 0 claims are too high.

    The bins are those of all photographs, also in a resample.

    Args:
        columns: Probabilities of the answers, and 1 or 0 for right or wrong.

    Returns:
        Counts ``[r, n]`` to gaps ``[r, bins]``, each as a share of all photographs that count.

    Example:
        >>> sure, right = np.array([0.9, 0.9, 0.9, 0.9]), np.array([1.0, 1.0, 0.0, 0.0])
        >>> calibration_gaps([sure, right])(np.ones((1, 4))).round(3).tolist()
        [[-0.4]]
    """
    confidence, correct = columns
    known = _known(columns)
    number = bin_numbers(confidence[known])
    # At least one column, so that a set without photographs that count has no error and not 0.
    gaps = np.zeros((len(confidence), int(number.max(initial=0)) + 1))
    gaps[known, number] = correct[known] - confidence[known]
    weight = known.astype(np.float64)

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, "r k"]:
        total = counts @ gaps
        return _ratio(total, np.broadcast_to((counts @ weight)[:, None], total.shape))

    return estimate


def selective_risk(columns: Sequence[Column]) -> Estimator:
    """The area under the risk-coverage curve: the share of wrong answers, over all thresholds.

    For each photograph, the share of wrong answers among those that are at least as probable as
    its own; the area is their mean. Equal probabilities are answered together, so that the order
    of the photographs decides nothing.

    Args:
        columns: Probabilities of the answers, and 1 or 0 for right or wrong.

    Returns:
        Counts ``[r, n]`` to areas ``[r]``; 0 is best, and the share of wrong answers is what
        probabilities without information give.

    Source: Geifman, Uziel and El-Yaniv, Bias-Reduced Uncertainty Estimation for Deep Neural
    Classifiers, 2019 (arXiv 1805.08206).

    Example:
        >>> probability, right = np.array([0.9, 0.6]), np.array([1.0, 0.0])
        >>> selective_risk([probability, right])(np.ones((1, 2))).tolist()
        [0.25]
    """
    confidence, correct = columns
    known = np.flatnonzero(_known(columns))
    order = known[np.argsort(-confidence[known], kind="stable")]
    ends = last_of_equal(confidence[order])
    wrong = 1.0 - correct[order]

    def estimate(counts: Float64[np.ndarray, "r n"]) -> Float64[np.ndarray, " r"]:
        drawn = counts[:, order]
        answered = drawn.cumsum(axis=1)[:, ends]
        risk = _ratio((drawn * wrong).cumsum(axis=1)[:, ends], answered)
        newly = np.diff(answered, axis=1, prepend=0.0)
        # Before the first drawn photograph nothing is answered, and nothing is at risk.
        return _ratio((newly * np.nan_to_num(risk)).sum(axis=1), newly.sum(axis=1))

    return estimate


def _known(columns: Sequence[Column]) -> Bool[np.ndarray, " n"]:
    return np.asarray(~np.isnan(np.stack(columns)).any(axis=0))


def _first_above(
    running: Float64[np.ndarray, "r k"], rank: Float64[np.ndarray, " r"]
) -> Int64[np.ndarray, " r"]:
    """The position of the drawn number with a rank, counted from 0, in each resample."""
    return np.asarray(np.argmax(running > rank[:, None], axis=1))


def _ratio(
    total: Float64[np.ndarray, "*shape"], number: Float64[np.ndarray, "*shape"]
) -> Float64[np.ndarray, "*shape"]:
    share = np.full(np.shape(number), np.nan)
    np.divide(total, number, out=share, where=number > 0)
    return share


ESTIMATORS: Mapping[str, Callable[[Sequence[Column]], Estimator]] = MappingProxyType(
    {
        "mean": mean,
        "median": median,
        "harmonic": harmonic,
        "calibration": calibration_error,
        "selective": selective_risk,
    }
)
