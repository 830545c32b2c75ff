"""The photographs of a shard set by their keys, for the small pictures of a page."""

from functools import cached_property

from streetclip.shards.layout import ShardSet
from streetclip.shards.read import ShardReader


class ShardPictures:
    """Gives the bytes of a photograph by its key; what `write_page` takes as `thumbnails`.

    Args:
        shard_set: The photographs; its indices are read at the first question.
    """

    def __init__(self, shard_set: ShardSet) -> None:
        self._shard_set = shard_set
        self._reader = ShardReader(shard_set)

    def __call__(self, key: str) -> bytes | None:
        """The photograph of a key.

        Args:
            key: Of a sample.

        Returns:
            Its bytes, or None where the set has no such sample.

        Raises:
            SampleError: The bytes are not those that were indexed.
            ShardError: A tar or its index is missing or damaged.
        """
        place = self._places.get(key)
        return None if place is None else self._reader.read(*place).image

    def close(self) -> None:
        """Close the tars; the next question opens what it needs."""
        self._reader.close()

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        return {
            self._reader.key(shard, sample): (shard, sample)
            for shard, samples in enumerate(self._shard_set.samples_per_shard)
            for sample in range(samples)
        }
