"""Which answers of predictions are right: 1, 0, or NaN where a photograph does not count."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from jaxtyping import Float64


def country_correct(predictions: pa.Table) -> Float64[np.ndarray, " n"]:
    """Whether the country is right.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.

    Returns:
        0 also for a country that the protocol does not name; NaN where nobody knows the true one.
    """
    return _compared(predictions, "country", "country", _same)


def country_among(predictions: pa.Table, k: int) -> Float64[np.ndarray, " n"]:
    """Whether the country is among the k most probable ones.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.
        k: How many.

    Returns:
        As `country_correct`; NaN also where the table tells fewer than k countries. With a
        decoding other than greedy the most probable country need not be the answer, which stands
        first in the table.
    """
    rows = zip(
        predictions["true_country"].to_pylist(),
        predictions["top_countries"].to_pylist(),
        predictions["top_probabilities"].to_pylist(),
        strict=True,
    )
    return _numbers(
        [
            None if true is None or len(top or ()) < k else true in _ranked(top, probability)[:k]
            for true, top, probability in rows
        ]
    )


def region_correct(predictions: pa.Table) -> Float64[np.ndarray, " n"]:
    """Whether the region of the predicted city is the true one, in the right country.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.

    Returns:
        NaN where nobody knows the true country or region.
    """
    right = _compared(predictions, "region", "region", _same)
    return _within(country_correct(predictions), right)


def city_correct(predictions: pa.Table) -> Float64[np.ndarray, " n"]:
    """Whether the predicted city is the true town.

    It is, if the countries are the same, the names are the same but for upper and lower case, and
    the regions, where both are known, are the same too. A photograph of a village that is no
    candidate counts, as wrong; towns carry no identifier in a shard set, so names decide.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.

    Returns:
        NaN where nobody knows the true country or town.
    """
    named = _compared(predictions, "town", "city", _same)
    contradicted = _compared(predictions, "region", "region", _differ)
    return _within(country_correct(predictions), np.where(contradicted == 1.0, 0.0 * named, named))


def truth_of(predictions: pa.Table, name: str) -> Float64[np.ndarray, " n"]:
    """A column of truth values or numbers.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.
        name: Of the column.

    Returns:
        NaN where it is null.
    """
    return _numbers(predictions[name].to_pylist())


def _ranked(countries: list[str], probability: list[float]) -> list[str]:
    """Countries by probability; equal ones stay in the order of their scores."""
    order = sorted(range(len(countries)), key=lambda place: -probability[place])
    return [countries[place] for place in order]


def _within(
    country: Float64[np.ndarray, " n"], part: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, " n"]:
    """A part of the right country; unknown where either is unknown."""
    return np.asarray(country * part)


def _compared(
    predictions: pa.Table, true: str, predicted: str, compare: Callable[[str, str | None], bool]
) -> Float64[np.ndarray, " n"]:
    pairs = zip(
        predictions[f"true_{true}"].to_pylist(),
        predictions[f"predicted_{predicted}"].to_pylist(),
        strict=True,
    )
    return _numbers([None if known is None else compare(known, answer) for known, answer in pairs])


def _same(known: str, answer: str | None) -> bool:
    return answer is not None and known.casefold() == answer.casefold()


def _differ(known: str, answer: str | None) -> bool:
    return answer is not None and known.casefold() != answer.casefold()


def _numbers(values: list[float | bool | None]) -> Float64[np.ndarray, " n"]:
    return np.array([np.nan if value is None else float(value) for value in values])
