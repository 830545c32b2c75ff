"""Photographs of a benchmark set that training has seen: the same picture, or the same place.

Same picture: both perceptual hashes differ in at most so many bits. Same place: a training
photograph lies within some meters. The two are counted apart, because two photographs of one
crossing are no copy of each other, and a copy may have been given other coordinates.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int64, UInt8
from scipy.spatial import cKDTree

from streetclip.errors import ResultError
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import measure
from streetclip.geo.distance import EARTH_RADIUS_KM, haversine_km, unit_vectors
from streetclip.shards.fingerprint import Fingerprints, distance_bits

MAX_BITS = 10
"""Of 199 real photographs no two unrelated ones agree within 17 bits in both hashes, and all copies
that were compressed to quality 25, halved, doubled, cut by 1 % or brightened by 15 % do within 10:
10 leaves room on the side of chance, which grows with the number of pairs."""
MAX_METERS = 25.0
"""What the GPS of a phone is worth between houses."""
# Hashes compared at a time: what a processor's cache holds, whatever the sets' sizes.
_BLOCK = 1 << 16
_POINTS = 100_000
_ROUNDING = 1e-12
_PAIRS_TOLD = 50
# What a reader wants to know of the photographs that training has not seen.
_TOLD = ("country_accuracy", "median_km", "geoscore")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of a benchmark photograph and a training photograph.

    Args:
        benchmark: Positions in the benchmark set.
        train: Positions in the training set.
        gradient_bits: Bits in which the first hashes differ.
        cosine_bits: Bits in which the second ones differ.
        km: Distance of their coordinates; NaN where one is unknown.
    """

    benchmark: Int64[np.ndarray, " p"]
    train: Int64[np.ndarray, " p"]
    gradient_bits: UInt8[np.ndarray, " p"]
    cosine_bits: UInt8[np.ndarray, " p"]
    km: Float64[np.ndarray, " p"]

    def __len__(self) -> int:
        return len(self.benchmark)


@dataclass(frozen=True)
class Leaks:
    """What training and a benchmark set have in common.

    Args:
        train: Fingerprints of the training set.
        benchmark: Fingerprints of the benchmark set.
        pictures: All pairs with the same picture.
        places: For each benchmark photograph with a training photograph nearby, the nearest one.
        max_bits: Each of the two hashes of a pair differs in at most so many bits.
        max_meters: Photographs within this distance are of the same place.
    """

    train: Fingerprints
    benchmark: Fingerprints
    pictures: Pairs
    places: Pairs
    max_bits: int
    max_meters: float

    @property
    def leaked_keys(self) -> frozenset[str]:
        """Keys of the benchmark photographs whose picture is in training."""
        return frozenset(self.benchmark.keys[row] for row in set(self.pictures.benchmark.tolist()))


def find_leaks(
    train: Fingerprints,
    benchmark: Fingerprints,
    *,
    max_bits: int = MAX_BITS,
    max_meters: float = MAX_METERS,
) -> Leaks:
    """Compares every benchmark photograph with every training photograph.

    Args:
        train: Fingerprints of the training set.
        benchmark: Fingerprints of the benchmark set.
        max_bits: How many of 64 bits may differ, in each of the two hashes.
        max_meters: How near is the same place.

    Returns:
        The pairs; memory does not grow with the product of the sets.
    """
    return Leaks(
        train,
        benchmark,
        _same_pictures(train, benchmark, max_bits),
        _same_places(train, benchmark, max_meters / 1000),
        max_bits,
        max_meters,
    )


def pair_rows(leaks: Leaks) -> list[tuple[str, str, str, int, int, float | None]]:
    """The pairs as rows of a table, those of a picture first.

    Args:
        leaks: Of `find_leaks`.

    Returns:
        ``picture`` or ``place``, key in the benchmark, key in training, bits, bits, kilometers.
    """
    return [
        (
            kind,
            leaks.benchmark.keys[pairs.benchmark[row]],
            leaks.train.keys[pairs.train[row]],
            int(pairs.gradient_bits[row]),
            int(pairs.cosine_bits[row]),
            None if np.isnan(pairs.km[row]) else round(float(pairs.km[row]), 6),
        )
        for kind, pairs in (("picture", leaks.pictures), ("place", leaks.places))
        for row in range(len(pairs))
    ]


PAIR_COLUMNS = ("kind", "benchmark", "train", "gradient_bits", "cosine_bits", "km")


def leak_summary(leaks: Leaks, result: Result | None = None) -> dict[str, Any]:
    """What is written into a result, as plain values.

    Args:
        leaks: Of `find_leaks`.
        result: Of the same benchmark set; with it come its values without the photographs that
            training has seen.

    Returns:
        Digests, limits, counts, shares, the first pairs, and ``values_without`` (name to estimate).

    Raises:
        ResultError: The result is one of another set.
    """
    n = len(leaks.benchmark)
    counts = {
        "pictures": len(set(leaks.pictures.benchmark.tolist())),
        "places": len(leaks.places),
    }
    summary: dict[str, Any] = {
        "train_digest": leaks.train.digest,
        "train_photos": len(leaks.train),
        "benchmark_digest": leaks.benchmark.digest,
        "photos": n,
        "max_bits": leaks.max_bits,
        "max_meters": leaks.max_meters,
        **counts,
        **{f"{name}_share": count / n if n else None for name, count in counts.items()},
        "train_pictures": len(set(leaks.pictures.train.tolist())),
        "flat": int(leaks.benchmark.flat.sum()),
        "unreadable": len(leaks.benchmark.unreadable),
        "train_unreadable": len(leaks.train.unreadable),
        "pairs": [
            dict(zip(PAIR_COLUMNS, row, strict=True)) for row in pair_rows(leaks)[:_PAIRS_TOLD]
        ],
    }
    if result is not None:
        summary["values_without"] = values_without(result, leaks)
    return summary


def values_without(result: Result, leaks: Leaks) -> dict[str, dict[str, Any]]:
    """The values of a result on the photographs whose picture is not in training.

    Args:
        result: Of the same benchmark set.
        leaks: Of `find_leaks`.

    Returns:
        Name to estimate, as plain values: country accuracy, shares within radii, median, GeoScore.

    Raises:
        ResultError: The result is one of another set.
    """
    if result.shard_set_digest != leaks.benchmark.digest:
        raise ResultError(
            f"the result on {result.set_name} is one of another set than the photographs",
            got=f"shard set {result.shard_set_digest[:16]}",
            allowed=f"shard set {leaks.benchmark.digest[:16]}",
            remedy="name the set with the same --data, and the same folder of shards, as for the "
            "benchmark",
        )
    keys = pa.array(sorted(leaks.leaked_keys), pa.string())
    kept = result.predictions.filter(pc.invert(pc.is_in(result.predictions["key"], value_set=keys)))
    values = measure(
        kept,
        inclusive=result.inclusive,
        geoscore_rounded=result.geoscore_rounded,
        resamples=result.resamples,
        seed=result.seed,
    )
    return {
        name: asdict(estimate)
        for name, estimate in values.items()
        if (name in _TOLD or name.startswith("within_")) and name in result.values
    }


def _same_pictures(train: Fingerprints, benchmark: Fingerprints, max_bits: int) -> Pairs:
    """Pairs of pictures; plain surfaces are left out, because they are all alike."""
    ours = np.flatnonzero(~benchmark.flat)
    theirs = np.flatnonzero(~train.flat)
    step = max(_BLOCK // max(len(ours), 1), 1)
    found: list[tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]] = []
    gradient = benchmark.gradient[ours]
    for start in range(0, len(theirs), step):
        block = theirs[start : start + step]
        near = distance_bits(train.gradient[block][:, None], gradient[None, :]) <= max_bits
        row, column = np.nonzero(near)
        # The second hash is compared for the few pairs only that the first lets pass.
        cosine = distance_bits(train.cosine[block[row]], benchmark.cosine[ours[column]])
        both = cosine <= max_bits
        found.append((ours[column[both]], block[row[both]]))
    return _pairs(train, benchmark, *_concatenated(found))


def _same_places(train: Fingerprints, benchmark: Fingerprints, max_km: float) -> Pairs:
    """The nearest training photograph of each benchmark photograph that has one nearby."""
    ours, theirs = _known(benchmark.latlon), _known(train.latlon)
    if not len(ours) or not len(theirs):
        return _pairs(train, benchmark, *_concatenated([]))
    tree = cKDTree(unit_vectors(train.latlon[theirs]))
    chord = 2 * np.sin(min(max_km / EARTH_RADIUS_KM, np.pi) / 2)
    found = []
    for start in range(0, len(ours), _POINTS):
        block = ours[start : start + _POINTS]
        # The bound of the tree leaves out what lies exactly at it, and rounding moves a point by
        # micrometers.
        distance, nearest = tree.query(
            unit_vectors(benchmark.latlon[block]), distance_upper_bound=chord + _ROUNDING
        )
        near, nearest = np.isfinite(distance), np.asarray(nearest)
        found.append((block[near], theirs[nearest[near]]))
    return _pairs(train, benchmark, *_concatenated(found))


def _known(latlon: Float64[np.ndarray, "n 2"]) -> Int64[np.ndarray, " k"]:
    return np.flatnonzero(~np.isnan(latlon).any(axis=1))


def _concatenated(
    found: Sequence[tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]],
) -> tuple[Int64[np.ndarray, " q"], Int64[np.ndarray, " q"]]:
    none = np.empty(0, dtype=np.int64)
    ours = np.concatenate([none, *(pair[0] for pair in found)])
    theirs = np.concatenate([none, *(pair[1] for pair in found)])
    return ours, theirs


def _pairs(
    train: Fingerprints,
    benchmark: Fingerprints,
    ours: Int64[np.ndarray, " p"],
    theirs: Int64[np.ndarray, " p"],
) -> Pairs:
    """In the order of the benchmark set, the nearest picture first."""
    gradient = distance_bits(benchmark.gradient[ours], train.gradient[theirs])
    cosine = distance_bits(benchmark.cosine[ours], train.cosine[theirs])
    order = np.lexsort((theirs, gradient.astype(np.int64) + cosine, ours))
    km = haversine_km(benchmark.latlon[ours], train.latlon[theirs])
    return Pairs(ours[order], theirs[order], gradient[order], cosine[order], km[order])
