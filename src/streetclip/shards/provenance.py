"""Under which licences the photographs of a shard set stand, and where they come from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from streetclip.errors import SampleError
from streetclip.shards.layout import ShardSet
from streetclip.shards.read import ShardReader
from streetclip.shards.sample import parse_metadata
from streetclip.shards.stats import spread_positions

UNSTATED = "not stated"
"""Of a photograph whose row said nothing."""


@dataclass(frozen=True)
class Provenance:
    """What some photographs, spread evenly over a set, say of themselves.

    Args:
        looked_at: How many.
        licences: Licence, as the source states it, to photographs, most first.
        sources: Source to photographs, most first.
    """

    looked_at: int
    licences: Mapping[str, int]
    sources: Mapping[str, int]


def provenance(shard_set: ShardSet, *, max_looked_at: int = 2000) -> Provenance:
    """Count licences and sources.

    Args:
        shard_set: Opened.
        max_looked_at: Photographs whose JSON is read, at most.

    Returns:
        The counts; photographs that cannot be read are left out of `looked_at`.

    Raises:
        ShardError: A tar of the set cannot be read.
    """
    licences, sources = Counter[str](), Counter[str]()
    reader = ShardReader(shard_set)
    try:
        for shard, sample in spread_positions(shard_set.samples_per_shard, max_looked_at):
            try:
                fields = parse_metadata(reader.read(shard, sample).metadata)
            except SampleError:
                continue
            licences[str(fields.get("licence") or UNSTATED)] += 1
            sources[str(fields.get("source") or UNSTATED)] += 1
    finally:
        reader.close()
    return Provenance(licences.total(), dict(licences.most_common()), dict(sources.most_common()))
