"""Results with planted answers, so that what a comparison must find is known."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.plainresult import result_of

from streetclip.evaluation.result import Result, write_result

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
    return result_of(rows, **{"resamples": 10, **changes})


def write_planted(folder: Path, right: Sequence[bool], **given: Any) -> Path:
    """Write a planted result and return its folder."""
    write_result(planted(right, **given), folder)
    return folder
