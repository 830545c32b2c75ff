"""How well a model does on each continent: errors are not spread evenly over the world."""

from collections.abc import Mapping

import numpy as np

from streetclip.evaluation.bootstrap import Estimate, Statistic, bootstrap
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import columns_of
from streetclip.geo.countries import countries

MEASURED: Mapping[str, Statistic] = {
    "country_accuracy": Statistic("mean", ("country_accuracy",)),
    "median_km": Statistic("median", ("distance_km",)),
}
"""What is told of each continent."""


def by_continent(result: Result) -> dict[str, dict[str, Estimate]]:
    """Values of each continent that a result has photographs of, with intervals.

    Args:
        result: Of a benchmark.

    Returns:
        Continent, in the order of the alphabet, to name of a value to estimate. Photographs whose
        country nobody knows belong to no continent.
    """
    codes = result.predictions["true_country"].to_pylist()
    where = np.array([_continent(code) for code in codes], dtype=object)
    columns = columns_of(result.predictions)
    table: dict[str, dict[str, Estimate]] = {}
    for continent in sorted({name for name in where.tolist() if name}):
        rows = where == continent
        own = {name: columns[name][rows] for name in ("country_accuracy", "distance_km")}
        table[continent] = bootstrap(own, MEASURED, resamples=result.resamples, seed=result.seed)
    return table


def _continent(code: str | None) -> str:
    country = countries().get(code or "")
    return "" if country is None else country.continent
