"""Which photographs several results have in common, and whether they may be compared at all."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64

from streetclip.errors import ResultError
from streetclip.evaluation.asked import photograph_keys, true_places
from streetclip.evaluation.clusters import cluster_names, cluster_numbers
from streetclip.evaluation.paired import COMPARED, ERRORS, column_of
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import columns_of

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

    @property
    def shown(self) -> str:
        """The path in what is written down and passed on: no folder of a home."""
        return self.path.name if self.path.is_absolute() else str(self.path)


@dataclass(frozen=True)
class Aligned:
    """Results, photograph by photograph.

    Args:
        n: Photographs that all of them have answered for.
        columns: For each result, what each photograph contributes, in the same order.
        clusters: Of each photograph the number of its cluster, from 0 without gaps; None where
            each stands alone.
        clustered_by: What the photographs of a cluster share; empty where each stands alone.
        notes: What a reader must know about photographs that are left out.
    """

    n: int
    columns: tuple[dict[str, Float64[np.ndarray, " n"]], ...]
    clusters: Int64[np.ndarray, " n"] | None
    clustered_by: str
    notes: tuple[str, ...]


def by_set(folders: Sequence[ResultFolder], *, common: bool = False) -> list[list[ResultFolder]]:
    """Put results on the same photographs together.

    They are the same if the digests of their sets are, or if the sets hold the same photographs:
    then one of them was built anew.

    Args:
        folders: In any order.
        common: Whether results that share only some photographs go together too.

    Returns:
        Lists of results in the given order; a result that shares its set with no other is alone.
    """
    sets: list[list[ResultFolder]] = []
    for folder in folders:
        for members in sets:
            if _together(members[0].result, folder.result, common=common):
                members.append(folder)
                break
        else:
            sets.append([folder])
    return sets


def different_sets(first: ResultFolder, second: ResultFolder) -> ResultError:
    """The error that says how two sets differ.

    Args:
        first: A result.
        second: One that is not on the same photographs.

    Returns:
        What the caller raises.
    """
    one, two = photograph_keys([first.result, second.result])
    both = len({*one} & {*two})
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
    keys = photograph_keys([folder.result for folder in folders])
    rows = [_rows(folder, own) for folder, own in zip(folders, keys, strict=True)]
    first, *others = rows
    shared = [name for name in first if all(name in other for other in others)]
    tables = [
        folder.result.predictions.take(pa.array([row[name] for name in shared], pa.int64()))
        for folder, row in zip(folders, rows, strict=True)
    ]
    places = [true_places(table) for table in tables]
    same = np.all([_equal(place, places[0]) for place in places], axis=(0, 2))
    if not same.any():
        names = " and ".join(str(folder.path) for folder in folders)
        raise ResultError(f"no photograph has an answer in all of {names}", got=_counts(folders))
    tables = [table.filter(pa.array(same)) for table in tables]
    named = [_agreed(tables, f"true_{what}") for what in ("country", "region")]
    clusters, clustered_by = _clusters(folders, tables)
    return Aligned(
        n=int(np.count_nonzero(same)),
        columns=tuple(
            _counted(_columns(folder.result, table), *named)
            for folder, table in zip(folders, tables, strict=True)
        ),
        clusters=clusters,
        clustered_by=clustered_by,
        notes=(*_notes(folders, {*chain(*keys)}, rows, same), *_renamed(*named)),
    )


def _set(result: Result) -> str:
    return f"'{result.set_name}' ({result.shard_set_digest[:8]}, {result.photos:,} photographs)"


def _together(one: Result, other: Result, *, common: bool) -> bool:
    if one.shard_set_digest == other.shard_set_digest:
        return True
    first, second = (frozenset(keys) for keys in photograph_keys([one, other]))
    return first == second or (common and not first.isdisjoint(second))


def _rows(folder: ResultFolder, keys: Sequence[str]) -> dict[str, int]:
    """The row of each photograph that has an answer."""
    answered = folder.result.predictions.num_rows
    rows = {key: row for row, key in enumerate(keys[:answered])}
    if len(rows) != answered:
        raise ResultError(
            f"{folder.path} holds photographs twice", got=f"{answered - len(rows)} repeated keys"
        )
    return rows


def _equal(
    one: Float64[np.ndarray, "n 2"], other: Float64[np.ndarray, "n 2"]
) -> Bool[np.ndarray, "n 2"]:
    """Where the degrees are the same; photographs without a place are the same too."""
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))


def _agreed(tables: Sequence[pa.Table], name: str) -> Bool[np.ndarray, " n"]:
    """Of which photographs all results say the same, as builds of a set may label otherwise."""
    first, *others = (table[name].to_pylist() for table in tables)
    same = [all(value == other[row] for other in others) for row, value in enumerate(first)]
    return np.array(same, dtype=bool)


def _columns(result: Result, table: pa.Table) -> dict[str, Float64[np.ndarray, " n"]]:
    columns = columns_of(
        table, inclusive=result.inclusive, geoscore_rounded=result.geoscore_rounded
    )
    return {column_of(name): columns[column_of(name)] for name in COMPARED}


def _counted(
    columns: dict[str, Float64[np.ndarray, " n"]],
    country: Bool[np.ndarray, " n"],
    region: Bool[np.ndarray, " n"],
) -> dict[str, Float64[np.ndarray, " n"]]:
    """To places a photograph contributes only where all results agree on the truth."""
    kept = {"country_accuracy": country, "region_accuracy": country & region}
    return columns | {name: np.where(own, columns[name], np.nan) for name, own in kept.items()}


def _clusters(
    folders: Sequence[ResultFolder], tables: Sequence[pa.Table]
) -> tuple[Int64[np.ndarray, " n"] | None, str]:
    """Photographs that are no independent evidence: as the results say, or else by place."""
    for folder, table in zip(folders, tables, strict=True):
        numbers = cluster_numbers(table)
        if numbers is not None:
            return numbers, folder.result.clustered_by
    places = [
        None if np.isnan(place).any() else (float(place[0]), float(place[1]))
        for place in true_places(tables[0])
    ]
    names, shared = cluster_names([None] * len(places), places, "place")
    return cluster_numbers(pa.table({"cluster": pa.array(names, pa.string())})), shared


def _renamed(country: Bool[np.ndarray, " n"], region: Bool[np.ndarray, " n"]) -> list[str]:
    count = int(np.count_nonzero(~(country & region)))
    text = "Photographs whose true country or region is named otherwise in another result"
    return [f"{text}, not counted for it: {count:,}."] if count else []


def _counts(folders: Sequence[ResultFolder]) -> str:
    return ", ".join(f"{folder.result.predictions.num_rows:,} answers" for folder in folders)


def _notes(
    folders: Sequence[ResultFolder],
    asked: Set[str],
    rows: Sequence[Mapping[str, int]],
    same: Bool[np.ndarray, " m"],
) -> list[str]:
    """Every photograph that does not count, by the reason."""
    notes = []
    if len({folder.result.shard_set_digest for folder in folders}) > 1:
        notes.append(
            "The results are of different shard sets; photographs are matched by their keys."
        )
    if len(asked) > len(same):
        lacking = "; ".join(
            f"{folder.shown} has {len(row):,} and {len(folder.result.unreadable):,} not readable"
            for folder, row in zip(folders, rows, strict=True)
        )
        notes.append(
            f"Photographs without an answer in every result, left out: {len(asked) - len(same):,} "
            f"of {len(asked):,} ({lacking})."
        )
    moved = int(np.count_nonzero(~same))
    if moved:
        notes.append(f"Photographs whose true place differs between results, left out: {moved:,}.")
    odd = [(folder.shown, _disagreeing(folder.result)) for folder in folders]
    notes += [
        f"{path} states other values than its predictions give here, which are those that are "
        f"compared: {', '.join(names)}."
        for path, names in odd
        if names
    ]
    return notes


def _disagreeing(result: Result) -> list[str]:
    """Values that a result has computed by another rule than the one that is used here."""
    columns = _columns(result, result.predictions)
    names = []
    for name in COMPARED:
        stated, column = result.values.get(name), columns[column_of(name)]
        known = column[~np.isnan(column)]
        if stated is None or stated.value is None or not len(known):
            continue
        here = float(np.median(known) if name in ERRORS else np.mean(known))
        if abs(stated.value - here) > _ROUNDING * max(abs(here), 1.0):
            names.append(name)
    return names
