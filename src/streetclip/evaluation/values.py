"""A table of predictions becomes named values with intervals; docs/metrics.md defines each."""

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float64

from streetclip.evaluation.bootstrap import Estimate, Statistic, bootstrap
from streetclip.evaluation.clusters import cluster_numbers
from streetclip.evaluation.correct import (
    city_correct,
    country_among,
    country_correct,
    region_correct,
    truth_of,
)
from streetclip.metrics.functional import RADII_KM, geoscore, within

_TOP_K = (1, 5)
# What is split by whether training has shown the country, and by whether it has shown the town.
_BY_COUNTRY = ("country_accuracy", "region_accuracy", "city_accuracy")
_BY_TOWN = ("country_accuracy", "city_accuracy")


def _split(name: str, ending: str) -> dict[str, Statistic]:
    """A value on what training has shown, on what it has not, and the summary of both."""
    seen, unseen = f"{name}_seen{ending}", f"{name}_unseen{ending}"
    return {
        seen: Statistic("mean", (seen,)),
        unseen: Statistic("mean", (unseen,)),
        f"{name}_harmonic{ending}": Statistic("harmonic", (seen, unseen)),
    }


def statistics(top_k: int = 5) -> dict[str, Statistic]:
    """Every value of a result, in the order of its table.

    Args:
        top_k: Countries that each prediction tells.

    Returns:
        Names to statistics.

    Example:
        >>> [name for name in statistics(10) if "top" in name]
        ['country_top1', 'country_top5', 'country_top10']
    """
    among = [f"country_top{k}" for k in sorted({*_TOP_K, top_k})]
    means = ("country_accuracy", *among, "region_accuracy", "city_accuracy")
    values = {f"within_{r}km": Statistic("mean", (f"within_{r}km",)) for r in RADII_KM}
    values |= {
        "median_km": Statistic("median", ("distance_km",)),
        "mean_km": Statistic("mean", ("distance_km",)),
        "geoscore": Statistic("mean", ("geoscore",)),
        **{name: Statistic("mean", (name,)) for name in means},
    }
    for name in _BY_COUNTRY:
        values |= _split(name, "")
    for name in _BY_TOWN:
        values |= _split(name, "_towns")
    probability = ("country_probability", "country_accuracy")
    return values | {
        "country_ece": Statistic("calibration", probability),
        "country_aurc": Statistic("selective", probability),
        "matching_accuracy": Statistic("mean", ("matching_accuracy",)),
    }


STATISTICS: dict[str, Statistic] = statistics()


def measure(
    predictions: pa.Table,
    *,
    inclusive: bool = True,
    geoscore_rounded: bool = False,
    top_k: int = 5,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every value of a result.

    Args:
        predictions: With the columns of `predictions.SCHEMA`; photographs of one ``cluster`` are
            drawn together.
        inclusive: Whether an error of exactly a radius counts as within it.
        geoscore_rounded: Whether the GeoScore of each photograph is rounded.
        top_k: Countries that each prediction tells.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        One estimate a name of `statistics`; its value is None where no photograph counts.
    """
    columns = columns_of(
        predictions, inclusive=inclusive, geoscore_rounded=geoscore_rounded, top_k=top_k
    )
    return bootstrap(
        columns,
        statistics(top_k),
        clusters=cluster_numbers(predictions),
        resamples=resamples,
        seed=seed,
    )


def columns_of(
    predictions: pa.Table,
    *,
    inclusive: bool = True,
    geoscore_rounded: bool = False,
    top_k: int = 5,
) -> dict[str, Float64[np.ndarray, " n"]]:
    """What each photograph contributes to each value; NaN where it does not count.

    A photograph in a country that the protocol does not name counts, as wrong; one whose country
    nobody knows does not count for the accuracy of countries, and one without coordinates for no
    distance.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.
        inclusive: Whether an error of exactly a radius counts as within it.
        geoscore_rounded: Whether the GeoScore of each photograph is rounded.
        top_k: Countries that each prediction tells.

    Returns:
        One column a column name of `statistics`.
    """
    columns = distance_columns(
        truth_of(predictions, "distance_km"),
        inclusive=inclusive,
        geoscore_rounded=geoscore_rounded,
    )
    columns |= {
        "country_accuracy": country_correct(predictions),
        "region_accuracy": region_correct(predictions),
        "city_accuracy": city_correct(predictions),
        "country_probability": truth_of(predictions, "country_probability"),
        "matching_accuracy": truth_of(predictions, "matched"),
        **{f"country_top{k}": country_among(predictions, k) for k in {*_TOP_K, top_k}},
    }
    for names, ending, what in ((_BY_COUNTRY, "", "country"), (_BY_TOWN, "_towns", "town")):
        seen = truth_of(predictions, f"{what}_seen")
        for name in names:
            columns[f"{name}_seen{ending}"] = np.where(seen == 1.0, columns[name], np.nan)
            columns[f"{name}_unseen{ending}"] = np.where(seen == 0.0, columns[name], np.nan)
    return columns


def distance_columns(
    distance_km: Float64[np.ndarray, " n"],
    *,
    inclusive: bool = True,
    geoscore_rounded: bool = False,
) -> dict[str, Float64[np.ndarray, " n"]]:
    """What errors contribute to shares, median, mean and GeoScore.

    Args:
        distance_km: Errors; NaN where a photograph has no coordinates.
        inclusive: Whether an error of exactly a radius counts as within it.
        geoscore_rounded: Whether the GeoScore of each photograph is rounded.

    Returns:
        ``within_1km``, ..., ``distance_km`` and ``geoscore``, NaN where the error is.

    Example:
        >>> distance_columns(np.array([25.0, np.nan]))["within_25km"].tolist()
        [1.0, nan]
    """
    errors = torch.from_numpy(distance_km)
    shares = {
        f"within_{radius}km": within(errors, radius, inclusive=inclusive).double().numpy()
        for radius in RADII_KM
    }
    for share in shares.values():
        share[np.isnan(distance_km)] = np.nan
    score = geoscore(errors, rounded=geoscore_rounded).numpy()
    return {**shares, "distance_km": distance_km, "geoscore": score}
