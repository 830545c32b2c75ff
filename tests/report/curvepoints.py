"""Three points of a curve, from the start to the tuned model: what tests of the curve share."""

from dataclasses import replace

import numpy as np
from tests.plainresult import result_of

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.probe import ProbeResult
from streetclip.report.curve import CurvePoint, Measure

COUNTRY = Measure("val", "paper", "country_accuracy")
MEDIAN = Measure("val", "paper", "median_km")
ROW = {"key": "a", "distance_km": 3.0, "true_latitude": 1.0, "true_longitude": 2.0}


def curve_point(alpha: float, country: float | None, median: float, known: float) -> CurvePoint:
    """A point with these values: alpha, share, kilometers, share of the probe set."""
    plain = result_of([ROW], resamples=10, matching_batch=1)
    result = replace(
        plain,
        set_name="val",
        protocol="paper",
        values={
            "country_accuracy": Estimate(country, 100, 0.1, 0.9),
            "median_km": Estimate(median, 100, 1.0, 3000.0),
        },
    )
    values = {
        "accuracy": Estimate(known, 50, known - 0.1, known + 0.1),
        "forgotten": Estimate(0.8 - known, 50),
    }
    probe = ProbeResult("d", 3, ("{label}",), values, np.zeros(50, dtype=np.int64))
    return CurvePoint(alpha, f"digest{alpha}", (result,), probe)


POINTS = (
    curve_point(0.0, 0.2, 900.0, 0.8),
    curve_point(0.5, 0.5, 300.0, 0.75),
    curve_point(1.0, 0.5, 400.0, 0.5),
)
