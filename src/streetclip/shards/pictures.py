"""The bytes of single photographs of a shard set, by their keys."""

from functools import cached_property

from streetclip.errors import SampleError
from streetclip.shards.layout import ShardSet
from streetclip.shards.read import ShardReader


class Pictures:
    """Gives photographs by key, as `report.page.write_page` asks for them.

    Args:
        shard_set: Where they lie; its indices are read when the first is asked for.
    """

    def __init__(self, shard_set: ShardSet) -> None:
        self._sizes = shard_set.samples_per_shard
        self._reader = ShardReader(shard_set)

    def __call__(self, key: str) -> bytes | None:
        """The bytes of a photograph; None where there is none, or it cannot be read.

        Args:
            key: Of the sample.
        """
        place = self._places.get(key)
        if place is None:
            return None
        try:
            return self._reader.read(*place).image
        except SampleError:
            return None

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        return {
            self._reader.key(shard, sample): (shard, sample)
            for shard, size in enumerate(self._sizes)
            for sample in range(size)
        }
