"""What is in a shard set: photographs per country, places, resolution, bytes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streetclip.errors import SampleError
from streetclip.shards.cache import Cache
from streetclip.shards.find import places_of
from streetclip.shards.layout import ShardSet, open_shard_set
from streetclip.shards.picture import open_photograph
from streetclip.shards.read import RawSample, ShardReader
from streetclip.shards.sample import parse_metadata

QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


@dataclass(frozen=True)
class ShardStats:
    """Figures of one shard set.

    Args:
        name: ``train``, ``val``, ``all``, or the folder's name.
        samples: Photographs.
        shards: Tars.
        bytes: Of all tars.
        countries: Photographs per ISO code, most first.
        regions: How many regions, of the towns that are known.
        towns: How many towns.
        looked_at: Photographs that the figures below are taken from.
        width_px: Quantiles (`QUANTILES`) of the width.
        height_px: Quantiles of the height.
        known: Share of the photographs that have a field, by field.
        examples: Metadata of some samples, spread over the set, for captions to be made of.
        unreadable: Photographs among those looked at that could not be read.
    """

    name: str
    samples: int
    shards: int
    bytes: int
    countries: Mapping[str, int]
    regions: int
    towns: int
    looked_at: int
    width_px: tuple[float, ...]
    height_px: tuple[float, ...]
    known: Mapping[str, float]
    examples: Sequence[Mapping[str, object]]
    unreadable: int = 0


def stats(
    folder: Path | str,
    *,
    max_looked_at: int = 2000,
    examples: int = 5,
    cache: Cache | None = None,
) -> list[ShardStats]:
    """Figures of a shard set, or of each of its splits.

    Counts of countries and towns are of all photographs; resolution and known fields are taken from
    photographs spread evenly over the set.

    Args:
        folder: A shard set, or the folder that holds its splits; may be a URL.
        max_looked_at: Photographs whose header and JSON are read, at most.
        examples: How many samples' metadata to keep.
        cache: Where files from a URL are kept; None is the user's.

    Returns:
        One entry a shard set.

    Raises:
        ShardError: There is no shard set.
    """
    cache = Cache() if cache is None else cache
    places = [place for place, _ in places_of(folder, cache.effort)]
    sets = [open_shard_set(place, cache=cache) for place in places]
    return [_stats_of(shard_set, max_looked_at, examples) for shard_set in sets]


def spread_positions(samples_per_shard: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Positions spread evenly over a shard set.

    Args:
        samples_per_shard: Samples in each tar.
        count: How many positions, at most.

    Returns:
        (shard, sample), in order, each once.

    Example:
        >>> spread_positions((2, 4), 3)
        [(0, 0), (1, 0), (1, 2)]
    """
    ends = np.cumsum(samples_per_shard)
    total = int(ends[-1])
    flat = np.arange(min(count, total)) * total // max(min(count, total), 1)
    shards = np.searchsorted(ends, flat, side="right")
    starts = np.concatenate([[0], ends[:-1]])
    return [(int(shard), int(at - starts[shard])) for shard, at in zip(shards, flat, strict=True)]


def _stats_of(shard_set: ShardSet, max_looked_at: int, examples: int) -> ShardStats:
    reader = ShardReader(shard_set)
    sizes, columns, unreadable = [], [], 0
    for shard, sample in spread_positions(shard_set.samples_per_shard, max_looked_at):
        try:
            raw = reader.read(shard, sample)
            columns.append(parse_metadata(raw.metadata, needs_point=False))
            sizes.append(_size(raw))
        except SampleError:
            unreadable += 1
    reader.close()
    known = Counter(name for fields in columns for name in fields)
    quantiles = np.quantile(np.array(sizes or [(0, 0)], dtype=np.float64), QUANTILES, axis=0)
    kept = spread_positions((len(columns),), examples) if columns else []
    regions = {tuple(town.split("/", 2)[:2]) for town in shard_set.towns}
    return ShardStats(
        name=shard_set.split or shard_set.name,
        samples=len(shard_set),
        shards=len(shard_set.shards),
        bytes=sum(shard.bytes for shard in shard_set.shards),
        countries=dict(Counter(shard_set.countries).most_common()),
        regions=sum(bool(region) for _, region in regions),
        towns=len(shard_set.towns),
        looked_at=len(sizes),
        width_px=tuple(quantiles[:, 0].tolist()),
        height_px=tuple(quantiles[:, 1].tolist()),
        known={name: count / len(columns) for name, count in known.most_common()},
        examples=[columns[position] for _, position in kept],
        unreadable=unreadable,
    )


def _size(raw: RawSample) -> tuple[int, int]:
    with open_photograph(raw.image) as image:
        return image.size
