"""Results with known numbers, of which each test names only what it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import measure


def result_of(rows: Sequence[Mapping[str, Any]], *, resamples: int = 20, **changes: Any) -> Result:
    """A result with certain predictions.

    Args:
        rows: One a photograph, with some columns of `SCHEMA`.
        resamples: Of the bootstrap.
        changes: Fields of the result.
    """
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    given: dict[str, Any] = {
        "set_name": "val",
        "model": "tiny",
        "weights_digest": "a" * 64,
        "protocol": "paper",
        "protocol_digest": "b" * 64,
        "shard_set_digest": "c" * 64,
        "photos": len(rows),
        "unreadable": (),
        "outside_protocol": 0,
        "unknown_country": 0,
        "prompts": 3,
        "matching_batch": 32,
        "resamples": resamples,
        "seed": 0,
        "predictions": table,
        **changes,
    }
    if "values" not in given:
        given["values"] = measure(table, resamples=resamples)
    return Result(**given)


def row(number: int) -> dict[str, Any]:
    """Every second photograph is answered 10 degrees too far east."""
    latitude, longitude = -50.0 + number % 100, -170.0 + (7 * number) % 330
    wrong = number % 2
    return {
        "key": f"{number:06d}_a",
        "true_latitude": latitude,
        "true_longitude": longitude,
        "predicted_latitude": latitude,
        "predicted_longitude": longitude + 10 * wrong,
        "distance_km": 1111.95 * float(np.cos(np.radians(latitude))) * wrong,
        "true_country": "FR",
        "predicted_country": "DE" if wrong else "FR",
        "true_region": None,
        "predicted_city": "Somewhere",
        "country_asked": True,
    }


def plain_result(n: int = 20, **changes: Any) -> Result:
    """A result of the photographs of `row`.

    Args:
        n: Photographs.
        changes: Fields of the result.
    """
    return result_of([row(number) for number in range(n)], **changes)
