"""How well a model does on each continent: errors are not spread evenly over the world."""

from collections.abc import Mapping

import pyarrow as pa

from streetclip.evaluation.bootstrap import Estimate, Statistic, bootstrap
from streetclip.evaluation.clusters import cluster_numbers
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import columns_of
from streetclip.geo.countries import countries

MEASURED: Mapping[str, Statistic] = {
    "country_accuracy": Statistic("mean", ("country_accuracy",)),
    "median_km": Statistic("median", ("distance_km",)),
}
"""What is told of each continent."""


def by_continent(result: Result) -> dict[str, dict[str, Estimate]]:
    """Values of each continent that a result has photographs of, with clustered intervals.

    Args:
        result: Of a benchmark.

    Returns:
        Continent, in the order of the alphabet, to name of a value to estimate. Photographs whose
        country nobody knows belong to no continent.
    """
    where = [_continent(code) for code in result.predictions["true_country"].to_pylist()]
    table: dict[str, dict[str, Estimate]] = {}
    for continent in sorted(set(where) - {""}):
        own = result.predictions.filter(pa.array([name == continent for name in where]))
        table[continent] = bootstrap(
            columns_of(own),
            MEASURED,
            clusters=cluster_numbers(own),
            resamples=result.resamples,
            seed=result.seed,
        )
    return table


def _continent(code: str | None) -> str:
    country = countries().get(code or "")
    return "" if country is None else country.continent
