"""A table of predictions becomes named values with intervals."""

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float64

from streetclip.evaluation.bootstrap import Estimate, Statistic, bootstrap
from streetclip.metrics.functional import RADII_KM, geoscore, within

_SPLITS = ("country_accuracy", "region_accuracy")

STATISTICS: dict[str, Statistic] = {
    **{f"within_{r}km": Statistic("mean", (f"within_{r}km",)) for r in RADII_KM},
    "median_km": Statistic("median", ("distance_km",)),
    "mean_km": Statistic("mean", ("distance_km",)),
    "geoscore": Statistic("mean", ("geoscore",)),
    **{name: Statistic("mean", (name,)) for name in _SPLITS},
    **{
        f"{name}_{part}": statistic
        for name in _SPLITS
        for part, statistic in (
            ("seen", Statistic("mean", (f"{name}_seen",))),
            ("unseen", Statistic("mean", (f"{name}_unseen",))),
            ("harmonic", Statistic("harmonic", (f"{name}_seen", f"{name}_unseen"))),
        )
    },
    "country_accuracy_seen_towns": Statistic("mean", ("country_accuracy_seen_towns",)),
    "country_accuracy_unseen_towns": Statistic("mean", ("country_accuracy_unseen_towns",)),
    "matching_accuracy": Statistic("mean", ("matching_accuracy",)),
}


def measure(
    predictions: pa.Table, *, inclusive: bool = True, resamples: int = 1000, seed: int = 0
) -> dict[str, Estimate]:
    """Every value of a result.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.
        inclusive: Whether an error of exactly a radius counts as within it.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        One estimate a name of `STATISTICS`; its value is None where no photograph counts.
    """
    columns = columns_of(predictions, inclusive=inclusive)
    return bootstrap(columns, STATISTICS, resamples=resamples, seed=seed)


def columns_of(
    predictions: pa.Table, *, inclusive: bool = True
) -> dict[str, Float64[np.ndarray, " n"]]:
    """What each photograph contributes to each value; NaN where it does not count.

    A photograph in a country that the protocol does not name counts, as wrong; one whose country
    nobody knows does not count for the accuracy of countries.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.
        inclusive: Whether an error of exactly a radius counts as within it.

    Returns:
        One column a column name of `STATISTICS`.
    """
    distance = np.array(predictions["distance_km"].to_pylist(), dtype=np.float64)
    errors = torch.from_numpy(distance)
    country = _equal(predictions, "country")
    region = np.where(country == 0.0, 0.0, _equal(predictions, "region"))
    unknown = [name is None for name in predictions["true_region"].to_pylist()]
    region[unknown | np.isnan(country)] = np.nan
    seen, town_seen = _truth(predictions, "country_seen"), _truth(predictions, "town_seen")
    columns = {
        f"within_{r}km": within(errors, r, inclusive=inclusive).double().numpy() for r in RADII_KM
    }
    columns |= {
        "distance_km": distance,
        "geoscore": geoscore(errors).numpy(),
        "country_accuracy": country,
        "region_accuracy": region,
        "country_accuracy_seen_towns": np.where(town_seen == 1.0, country, np.nan),
        "country_accuracy_unseen_towns": np.where(town_seen == 0.0, country, np.nan),
        "matching_accuracy": _truth(predictions, "matched"),
    }
    for name in _SPLITS:
        columns[f"{name}_seen"] = np.where(seen == 1.0, columns[name], np.nan)
        columns[f"{name}_unseen"] = np.where(seen == 0.0, columns[name], np.nan)
    return columns


def _equal(predictions: pa.Table, what: str) -> Float64[np.ndarray, " n"]:
    """1 where true and predicted name are the same, 0 where not, NaN where the true is unknown."""
    pairs = zip(
        predictions[f"true_{what}"].to_pylist(),
        predictions[f"predicted_{what}"].to_pylist(),
        strict=True,
    )
    return np.array(
        [
            np.nan if true is None else float(true.casefold() == (answer or "").casefold())
            for true, answer in pairs
        ],
        dtype=np.float64,
    )


def _truth(predictions: pa.Table, name: str) -> Float64[np.ndarray, " n"]:
    return np.array(
        [np.nan if value is None else float(value) for value in predictions[name].to_pylist()],
        dtype=np.float64,
    )
