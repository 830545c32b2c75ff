"""What a protocol could reach at best on a set, since it answers one of its cities and no other."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from jaxtyping import Float64

from streetclip.evaluation.bootstrap import Estimate, Statistic, bootstrap
from streetclip.evaluation.clusters import cluster_numbers
from streetclip.evaluation.correct import truth_of
from streetclip.evaluation.values import distance_columns
from streetclip.metrics.functional import RADII_KM
from streetclip.metrics.nearest import nearest_in_group_km, nearest_km
from streetclip.zeroshot.candidates import Candidates
from streetclip.zeroshot.protocol import Distance

# Kind of ceiling to the column of predictions that it is made of.
CEILINGS: Mapping[str, str] = MappingProxyType(
    {"known_country": "nearest_in_country_km", "nearest": "nearest_km"}
)
# Value to the kind of its statistic and its column.
_VALUES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **{f"within_{radius}km": ("mean", f"within_{radius}km") for radius in RADII_KM},
        "median_km": ("median", "distance_km"),
        "geoscore": ("mean", "geoscore"),
    }
)


def ceiling_name(value: str, kind: str) -> str:
    """What a ceiling is called in `Result.ceilings`.

    Args:
        value: Of `Result.values`: ``within_25km``, ..., ``median_km`` or ``geoscore``.
        kind: ``known_country`` or ``nearest``.

    Returns:
        The key.

    Example:
        >>> ceiling_name("within_25km", "nearest")
        'within_25km/nearest'
    """
    return f"{value}/{kind}"


def with_nearest(predictions: pa.Table, candidates: Candidates, *, radius_km: float) -> pa.Table:
    """Fill in the distances to the nearest candidates.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.
        candidates: That were asked.
        radius_km: Of the sphere that distances are measured on.

    Returns:
        The table with ``nearest_km``, and ``nearest_in_country_km`` where the true country is
        asked.
    """
    axes = (truth_of(predictions, f"true_{axis}") for axis in ("latitude", "longitude"))
    points = np.stack(list(axes), axis=1)
    countries = [candidates.country_codes[index] for index in candidates.country_index.tolist()]
    known = predictions["true_country"].to_pylist()
    columns = {
        "nearest_km": nearest_km(points, candidates.latlon, radius_km=radius_km),
        "nearest_in_country_km": nearest_in_group_km(
            points, known, candidates.latlon, countries, radius_km=radius_km
        ),
    }
    for name, column in columns.items():
        place = predictions.schema.get_field_index(name)
        values = pa.array(column, type=pa.float64(), from_pandas=True)
        predictions = predictions.set_column(place, name, values)
    return predictions


def measure_ceilings(
    predictions: pa.Table,
    *,
    distance: Distance,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """The values that the best possible answers would have, with intervals.

    ``known_country``: the nearest city of the true country, which is the best that any answer of
    the right country can do; a photograph in a country that is not asked is missed, by half the
    Earth's circumference, and one whose country nobody knows has the nearest city of all.
    ``nearest``: the nearest city of all countries, which no answer beats.

    Args:
        predictions: With the columns of `predictions.SCHEMA`, filled in by `with_nearest`.
        distance: What counts as near.
        resamples: Of the bootstrap.
        seed: Of the bootstrap; the same as for the values draws the same photographs.

    Returns:
        Names of `ceiling_name` to estimates; values None where no photograph has a point.
    """
    columns: dict[str, Float64[np.ndarray, " n"]] = {}
    for kind in CEILINGS:
        found = distance_columns(
            _errors(predictions, kind, distance.radius_km),
            inclusive=distance.inclusive,
            geoscore_rounded=distance.geoscore_rounded,
        )
        columns |= {ceiling_name(name, kind): column for name, column in found.items()}
    statistics = {
        ceiling_name(value, kind): Statistic(how, (ceiling_name(column, kind),))
        for value, (how, column) in _VALUES.items()
        for kind in CEILINGS
    }
    clusters = cluster_numbers(predictions)
    return bootstrap(columns, statistics, clusters=clusters, resamples=resamples, seed=seed)


def _errors(predictions: pa.Table, kind: str, radius_km: float) -> Float64[np.ndarray, " n"]:
    errors = truth_of(predictions, CEILINGS[kind])
    if kind == "known_country":
        placed = ~np.isnan(truth_of(predictions, "true_latitude"))
        missed = placed & (truth_of(predictions, "country_asked") == 0.0)
        errors[missed] = math.pi * radius_km
        # Where nobody knows the country, any answer may be right; the value counts it too.
        nowhere = placed & np.isnan(truth_of(predictions, "country_asked"))
        errors[nowhere] = truth_of(predictions, CEILINGS["nearest"])[nowhere]
    return errors
