"""Which photographs several results have in common, and whether they may be compared at all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64

from streetclip.errors import ResultError
from streetclip.evaluation.paired import COMPARED, ERRORS
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import columns_of

# The keys that our shards have: a running number, and the beginning of the file's digest.
_OUR_KEY = re.compile(r"[0-9]+_([0-9a-f]{16})")
# Relative; sums in another order differ in the last digits.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class ResultFolder:
    """A result and where it was read.

    Args:
        path: As the user named it, or a folder in it.
        result: What it holds.
        digest: SHA-256 of its `results.json`, which names the predictions by their digest.
        name: What the user calls it; empty where the model's name will do.
    """

    path: Path
    result: Result
    digest: str
    name: str = ""


@dataclass(frozen=True)
class Aligned:
    """Results, photograph by photograph.

    Args:
        n: Photographs that all of them have answered for.
        columns: For each result, what each photograph contributes, in the same order.
        groups: Of each photograph the number of its group, from 0 without gaps.
        grouped_by: What the photographs of a group share; empty where each is alone.
        notes: What a reader must know about photographs that are left out.
    """

    n: int
    columns: tuple[dict[str, Float64[np.ndarray, " n"]], ...]
    groups: Int64[np.ndarray, " n"]
    grouped_by: str
    notes: tuple[str, ...]


def by_set(folders: Sequence[ResultFolder], *, common: bool = False) -> list[list[ResultFolder]]:
    """Put results on the same photographs together.

    They are the same if the digests of the sets are, or if every photograph of one is in the
    other: a set that was built anew, or a part of it that lies elsewhere.

    Args:
        folders: In any order.
        common: Whether results that share only some photographs go together too.

    Returns:
        Lists of results in the given order; a result that shares its set with no other is alone.
    """
    sets: list[tuple[list[ResultFolder], frozenset[str]]] = []
    for folder in folders:
        photographs = frozenset(_asked(folder.result))
        for members, others in sets:
            if (
                members[0].result.shard_set_digest == folder.result.shard_set_digest
                or photographs == others
                or (common and photographs & others)
            ):
                members.append(folder)
                break
        else:
            sets.append(([folder], photographs))
    return [members for members, _ in sets]


def different_sets(first: ResultFolder, second: ResultFolder) -> ResultError:
    """The error that says how two sets differ.

    Args:
        first: A result.
        second: One that is not on the same photographs.

    Returns:
        What the caller raises.
    """
    one, two = frozenset(_asked(first.result)), frozenset(_asked(second.result))
    both = len(one & two)
    remedy = f"--common compares on the {both:,} that both have" if both else None
    return ResultError(
        f"{first.path} and {second.path} are results on different photographs",
        got=f"{_set(first.result)} and {_set(second.result)}, {both:,} in common",
        allowed="results on one set",
        remedy=remedy,
    )


def align(folders: Sequence[ResultFolder]) -> Aligned:
    """Find the photographs that every result has an answer for.

    Args:
        folders: Two results or more, of one list of `by_set`.

    Returns:
        Their columns on these photographs, in the order of the first result.

    Raises:
        ResultError: No photograph is common, or a result holds one twice.
    """
    rows = [_rows(folder) for folder in folders]
    first, *others = rows
    shared = [name for name in first if all(name in other for other in others)]
    tables = [
        folder.result.predictions.take(pa.array([row[name] for name in shared], pa.int64()))
        for folder, row in zip(folders, rows, strict=True)
    ]
    places = [_places(table) for table in tables]
    same = np.all([place == places[0] for place in places], axis=(0, 2))
    if not same.any():
        names = " and ".join(str(folder.path) for folder in folders)
        raise ResultError(f"no photograph has an answer in all of {names}", got=_counts(folders))
    tables = [table.filter(pa.array(same)) for table in tables]
    groups, grouped_by = _groups(folders, tables)
    return Aligned(
        n=int(np.count_nonzero(same)),
        columns=tuple(
            _columns(folder.result, table) for folder, table in zip(folders, tables, strict=True)
        ),
        groups=groups,
        grouped_by=grouped_by,
        notes=tuple(_notes(folders, rows, shared, same)),
    )


def _set(result: Result) -> str:
    return f"'{result.set_name}' ({result.shard_set_digest[:8]}, {result.photos:,} photographs)"


def _asked(result: Result) -> list[str]:
    """The photographs that a result was asked for, by what names them in any build of a set."""
    keys = [*result.predictions["key"].to_pylist(), *(key for key, _ in result.unreadable)]
    return _names(keys)


def _names(keys: Sequence[str]) -> list[str]:
    """The part of each key that does not change when other photographs of its set do."""
    names = [found[1] if (found := _OUR_KEY.fullmatch(key)) else key for key in keys]
    # A file that stands in a set twice, such as at two places, is told apart by its number.
    return names if len(set(names)) == len(names) else list(keys)


def _rows(folder: ResultFolder) -> dict[str, int]:
    """The row of each photograph that has an answer."""
    answered = folder.result.predictions.num_rows
    names = _asked(folder.result)
    rows = {name: row for row, name in enumerate(names[:answered])}
    if len(rows) != answered:
        raise ResultError(
            f"{folder.path} holds photographs twice", got=f"{answered - len(rows)} repeated keys"
        )
    return rows


def _places(table: pa.Table) -> Float64[np.ndarray, "n 2"]:
    names = ("true_latitude", "true_longitude")
    return np.stack([table[name].to_numpy().astype(np.float64) for name in names], axis=1)


def _columns(result: Result, table: pa.Table) -> dict[str, Float64[np.ndarray, " n"]]:
    columns = columns_of(table, inclusive=result.inclusive)
    chosen = {name: columns[name] for name in COMPARED.values()}
    if result.geoscore_rounded:
        chosen["geoscore"] = np.round(chosen["geoscore"])
    return chosen


def _groups(
    folders: Sequence[ResultFolder], tables: Sequence[pa.Table]
) -> tuple[Int64[np.ndarray, " n"], str]:
    """Photographs that are no independent evidence: by the results' own groups, else by place."""
    for folder, table in zip(folders, tables, strict=True):
        labels = table["cluster"].to_pylist()
        if any(label is not None for label in labels):
            named = [i if label is None else label for i, label in enumerate(labels)]
            return _numbered(named, folder.result.clustered_by or "cluster")
    return _numbered([tuple(place) for place in _places(tables[0]).tolist()], "place")


def _numbered(
    labels: Sequence[object], grouped_by: str
) -> tuple[Int64[np.ndarray, " n"], str]:
    number = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    groups = np.array([number[label] for label in labels], dtype=np.int64)
    return groups, grouped_by if len(number) < len(labels) else ""


def _counts(folders: Sequence[ResultFolder]) -> str:
    return ", ".join(f"{folder.result.predictions.num_rows:,} answers" for folder in folders)


def _notes(
    folders: Sequence[ResultFolder],
    rows: Sequence[dict[str, int]],
    shared: Sequence[str],
    same: Bool[np.ndarray, " m"],
) -> list[str]:
    """Every photograph that does not count, by the reason."""
    notes = []
    if len({folder.result.shard_set_digest for folder in folders}) > 1:
        notes.append(
            "The results are of different shard sets; photographs are matched by their keys."
        )
    everything = set().union(*(_asked(folder.result) for folder in folders))
    if len(everything) > len(shared):
        lacking = "; ".join(
            f"{folder.path} lacks {len(everything) - len(row):,}"
            f" ({len(folder.result.unreadable):,} of them not readable)"
            for folder, row in zip(folders, rows, strict=True)
        )
        notes.append(
            f"Photographs without an answer in every result: {len(everything) - len(shared):,} of "
            f"{len(everything):,}; they are left out ({lacking})."
        )
    moved = int(np.count_nonzero(~same))
    if moved:
        notes.append(f"Photographs whose true place differs between results, left out: {moved:,}.")
    for folder in folders:
        if names := _disagreeing(folder.result):
            notes.append(
                f"{folder.path} states other values than its predictions give here, which are "
                f"those that are compared: {', '.join(names)}."
            )
    return notes


def _disagreeing(result: Result) -> list[str]:
    """Values that a result has computed by another rule than the one that is used here."""
    columns = _columns(result, result.predictions)
    names = []
    for name, column in COMPARED.items():
        stated, known = result.values.get(name), columns[column][~np.isnan(columns[column])]
        if stated is None or stated.value is None or not len(known):
            continue
        here = float(np.median(known) if name in ERRORS else np.mean(known))
        if abs(stated.value - here) > _ROUNDING * max(abs(here), 1.0):
            names.append(name)
    return names
