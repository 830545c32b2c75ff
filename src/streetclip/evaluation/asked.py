"""Which photographs a result was asked for, named alike in every build of their set."""

import re
from collections import Counter
from collections.abc import Sequence, Set

import numpy as np
import pyarrow as pa
from jaxtyping import Float64

from streetclip.evaluation.result import Result

# The keys that our shards have: a running number, and the beginning of the file's digest.
_OUR_KEY = re.compile(r"[0-9]+_([0-9a-f]{16})")


def photograph_keys(results: Sequence[Result]) -> list[list[str]]:
    """The photographs that each result was asked for; those with an answer come first.

    In another build of a set a photograph may have another number, and the same digest: then the
    digest names it, and a place besides where the file stands in a set more than once.

    Args:
        results: That are to be compared.

    Returns:
        For each result names that mean the same photograph in all of them.
    """
    keys = [
        [*result.predictions["key"].to_pylist(), *(key for key, _ in result.unreadable)]
        for result in results
    ]
    if len({result.shard_set_digest for result in results}) == 1:
        return keys
    digests = [[_without_number(key) for key in own] for own in keys]
    twice = {key for own in digests for key, count in Counter(own).items() if count > 1}
    return [_told_apart(own, twice, result) for own, result in zip(digests, results, strict=True)]


def _told_apart(keys: Sequence[str], twice: Set[str], result: Result) -> list[str]:
    """Keys with the place, where a file stands in a set more than once, and counted at one place.

    Of such files the answers are the same too, so that it does not matter which is which.
    """
    count, places = Counter[str](), true_places(result.predictions).tolist()
    named = []
    for row, key in enumerate(keys):
        if key in twice:
            key += f" at {places[row]}" if row < len(places) else " unreadable"
            count[key] += 1
            key += f" for the {count[key]}. time"
        named.append(key)
    return named


def _without_number(key: str) -> str:
    found = _OUR_KEY.fullmatch(key)
    return found[1] if found else key


def true_places(table: pa.Table) -> Float64[np.ndarray, "n 2"]:
    """True latitude and longitude of predictions, in degrees; NaN where nobody knows."""
    names = ("true_latitude", "true_longitude")
    return np.stack([table[name].to_numpy().astype(np.float64) for name in names], axis=1)
