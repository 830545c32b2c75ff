"""Results with planted answers, so that what a comparison must find is known."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.result import Result, write_result
from streetclip.evaluation.values import measure

# Kilometers of an answer that is right, and of one that is wrong.
NEAR, FAR = 10.0, 4000.0


def key_of(number: int, *, shift: int = 0) -> str:
    """The key that our shards give to a photograph, in a set that begins `shift` numbers later."""
    return f"{number + shift:08d}_{hashlib.sha256(str(number).encode()).hexdigest()[:16]}"


def planted(
    right: Sequence[bool],
    *,
    keys: Sequence[str] | None = None,
    distances: Sequence[float] | None = None,
    places: Sequence[tuple[float, float]] | None = None,
    clusters: Sequence[str | None] | None = None,
    **changes: Any,
) -> Result:
    """A result whose photographs are answered right or wrong, as one says.

    Args:
        right: Of each photograph, whether its country is found and its error small.
        keys: Of the photographs; None numbers them.
        distances: Errors in kilometers; None takes `NEAR` and `FAR`.
        places: True latitudes and longitudes in degrees; None spreads them.
        clusters: Groups of photographs that are no independent evidence.
        changes: Fields of the result.
    """
    n = len(right)
    rows = [
        {
            "key": keys[i] if keys else key_of(i),
            "true_latitude": places[i][0] if places else -60 + i * 0.01,
            "true_longitude": places[i][1] if places else i * 0.01,
            "predicted_latitude": 0.0,
            "predicted_longitude": 0.0,
            "distance_km": distances[i] if distances else NEAR if right[i] else FAR,
            "true_country": "FR",
            "predicted_country": "FR" if right[i] else "DE",
            "country_asked": True,
            "cluster": clusters[i] if clusters else None,
        }
        for i in range(n)
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
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
        "resamples": 10,
        "seed": 0,
        "values": measure(table, resamples=10) if "values" not in changes else {},
        "predictions": table,
    }
    return Result(**given | changes)


def write_planted(folder: Path, right: Sequence[bool], **given: Any) -> Path:
    """Write a planted result and return its folder."""
    write_result(planted(right, **given), folder)
    return folder
