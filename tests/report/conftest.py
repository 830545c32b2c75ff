"""A result with known numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import measure


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


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """Makes a result of n photographs, changed by keywords."""

    def make(n: int = 20, **changes: Any) -> Result:
        table = pa.Table.from_pylist([row(number) for number in range(n)], schema=SCHEMA)
        given: dict[str, Any] = {
            "set_name": "val",
            "model": "tiny",
            "weights_digest": "a" * 64,
            "protocol": "paper",
            "protocol_digest": "b" * 64,
            "shard_set_digest": "c" * 64,
            "photos": n,
            "unreadable": (),
            "outside_protocol": 0,
            "unknown_country": 0,
            "prompts": 3,
            "matching_batch": 32,
            "resamples": 20,
            "seed": 0,
            "values": measure(table, resamples=20),
            "predictions": table,
        }
        return Result(**given | changes)

    return make
