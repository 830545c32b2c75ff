"""Everything that is computed of a table of predictions, by the definitions of a protocol."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.calibration import (
    CoveragePoint,
    ReliabilityBin,
    coverage_curve,
    reliability,
)
from streetclip.evaluation.ceilings import measure_ceilings
from streetclip.evaluation.clusters import cluster_numbers
from streetclip.evaluation.correct import country_correct, truth_of
from streetclip.evaluation.values import measure
from streetclip.zeroshot.protocol import Distance


@dataclass(frozen=True)
class Numbers:
    """The numbers of a result, under the names of its fields.

    Args:
        values: Names to estimates.
        ceilings: The best values that the protocol allows on this set.
        reliability: Probability against accuracy of the countries, in bins.
        coverage: Accuracy of the countries when improbable answers are withheld.
        clusters: Groups of photographs that the bootstrap draws; 0 where it draws single ones.
    """

    values: Mapping[str, Estimate]
    ceilings: Mapping[str, Estimate]
    reliability: tuple[ReliabilityBin, ...]
    coverage: tuple[CoveragePoint, ...]
    clusters: int


def numbers_of(
    predictions: pa.Table,
    *,
    distance: Distance,
    top_k: int = 5,
    resamples: int = 1000,
    seed: int = 0,
) -> Numbers:
    """Measure a whole or a part of a table of predictions.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.
        distance: What counts as near.
        top_k: Countries that each prediction tells.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        The numbers.
    """
    correct = country_correct(predictions)
    confidence = truth_of(predictions, "country_probability")
    clusters = cluster_numbers(predictions)
    return Numbers(
        values=measure(
            predictions,
            inclusive=distance.inclusive,
            geoscore_rounded=distance.geoscore_rounded,
            top_k=top_k,
            resamples=resamples,
            seed=seed,
        ),
        ceilings=measure_ceilings(predictions, distance=distance, resamples=resamples, seed=seed),
        reliability=reliability(confidence, correct),
        coverage=coverage_curve(confidence, correct),
        clusters=0 if clusters is None else int(clusters.max()) + 1,
    )
