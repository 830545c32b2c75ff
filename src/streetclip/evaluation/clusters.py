"""Which photographs of a set are no independent evidence: one photographer's, or of one place."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from streetclip.errors import ResultError
from streetclip.manifest.photographers import PHOTOGRAPHER_COLUMNS

_DIGITS = 12


# Other words name a column.
_CHOICES = ("auto", "photo", "place")


def declared_columns(cluster: str) -> list[str]:
    """The columns that a shard set must declare, so that photographs can be clustered by them.

    Args:
        cluster: ``auto``, ``photo``, ``place``, or the name of a column.

    Returns:
        None or one.

    Example:
        >>> declared_columns("auto"), declared_columns("camera")
        ([], ['camera'])
    """
    return [] if cluster in _CHOICES else [cluster]


def group_of(metadata: Mapping[str, Any], cluster: str) -> str | None:
    """What a photograph shares with others beside its place.

    Args:
        metadata: Of a sample, with the columns that its set declares.
        cluster: ``auto``, ``photo``, ``place``, or the name of a column.

    Returns:
        The photographer for ``auto``, the entry of the column, or None where there is none.

    Example:
        >>> group_of({"latitude": 1.0, "longitude": 2.0, "AUTHOR": "78841376@N00"}, "auto")
        '78841376@N00'
    """
    if cluster in ("photo", "place"):
        return None
    wanted = PHOTOGRAPHER_COLUMNS if cluster == "auto" else (cluster.casefold(),)
    known = {name.casefold(): value for name, value in metadata.items() if value is not None}
    return next((str(known[name]) for name in wanted if name in known), None)


def cluster_names(
    groups: Sequence[str | None],
    places: Sequence[tuple[float, float] | None],
    cluster: str,
) -> tuple[list[str | None], str]:
    """The cluster of each photograph.

    ``auto`` goes by photographer if any photograph of the set names one, else by exact
    coordinates. A photograph that does not tell what the others share goes by its coordinates,
    and one without coordinates stands alone.

    Args:
        groups: From `group_of`.
        places: Latitude and longitude in degrees; None without coordinates.
        cluster: As in `group_of`.

    Returns:
        Names, None for photographs that stand alone, and what a cluster shares: ``photographer``,
        ``place``, a column, or ``""`` where all stand alone. Names of people become digests.

    Raises:
        ResultError: No photograph has the column.

    Example:
        >>> cluster_names([None] * 3, [(1.0, 2.0), (0.0, 0.0), (1.0, 2.0)], "auto")
        (['place:1.0,2.0', None, 'place:1.0,2.0'], 'place')
    """
    if cluster == "photo":
        return [None] * len(groups), ""
    grouped = any(group is not None for group in groups)
    if not grouped and cluster not in ("auto", "place"):
        raise ResultError(
            f"photographs cannot be clustered by '{cluster}'",
            got="no photograph has a column of this name",
            allowed="auto, photo, place, or a column that the set declares",
            remedy="declare the column when the shards are built (`columns`), or choose `place`",
        )
    shared = "place" if not grouped else "photographer" if cluster == "auto" else cluster
    names = [_name(shared, group, place) for group, place in zip(groups, places, strict=True)]
    sizes = Counter(names)
    names = [name if name is not None and sizes[name] > 1 else None for name in names]
    said = {name.partition(":")[0] for name in names if name is not None}
    # A photographer of one photograph is no cluster, and then all clusters may be places.
    return names, "" if not said else "place" if said == {"place"} else shared


def cluster_numbers(predictions: pa.Table) -> Int64[np.ndarray, " n"] | None:
    """The clusters of a table of predictions as numbers, in the order of their first photographs.

    Args:
        predictions: With the columns of `predictions.SCHEMA`.

    Returns:
        What `bootstrap` takes as `clusters`: None where all photographs stand alone.
    """
    names = predictions["cluster"].to_pylist()
    if not any(name is not None for name in names):
        return None
    number: dict[str | int, int] = {}
    keys = [row if name is None else name for row, name in enumerate(names)]
    return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)


def _name(shared: str, group: str | None, place: tuple[float, float] | None) -> str | None:
    if group is not None:
        return f"{shared}:{hashlib.sha256(group.encode()).hexdigest()[:_DIGITS]}"
    return None if place is None else f"place:{place[0]!r},{place[1]!r}"
