"""The countries of a shard's samples, from its index alone."""

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streetclip.errors import ShardError
from streetclip.shards.layout import ShardSet

_MOST_SHARDS = 4096


class ShardCountries:
    """Looks up the countries of the shards of a set; no tar is read.

    It can be pickled and used in any process. The indices of a set at a URL are fetched when they
    are asked for.

    Args:
        shard_set: Whose.
    """

    def __init__(self, shard_set: ShardSet) -> None:
        self.shard_set = shard_set
        self._known: OrderedDict[int, NDArray[np.uint16]] = OrderedDict()

    def __call__(self, shard: int) -> NDArray[np.uint16]:
        """A number for the country of each sample of a shard.

        Args:
            shard: Position in the set.

        Returns:
            Equal where countries are equal, in any shard and on any machine; 0 where unknown.

        Raises:
            ShardError: The index is missing or damaged, or was made before countries were noted.
        """
        if shard not in self._known:
            self._known[shard] = self._read(shard)
            while len(self._known) > _MOST_SHARDS:
                self._known.popitem(last=False)
        return self._known[shard]

    def __getstate__(self) -> dict[str, Any]:
        return {"shard_set": self.shard_set, "_known": OrderedDict()}

    def _read(self, shard: int) -> NDArray[np.uint16]:
        index = self.shard_set.files.index(self.shard_set.shards[shard])
        if index.countries is None:
            raise ShardError(
                f"the index of {self.shard_set.describe(shard)} does not tell countries",
                remedy="build the shard set again, run `streetclip shards index` on its folder, or "
                "set data.spread_countries=false",
            )
        return np.frombuffer(index.countries, "<u2").astype(np.uint16)
