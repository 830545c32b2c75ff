"""Photographs one by one, for evaluation: no randomness, and none left out in silence."""

from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from streetclip.data.decode import center_crop, decode_image
from streetclip.errors import SampleError
from streetclip.records import Preprocess
from streetclip.shards.layout import ShardSet
from streetclip.shards.read import ShardReader
from streetclip.shards.sample import parse_metadata


class Photo(TypedDict):
    """One photograph; with `error` its image is black or its metadata are empty.

    `image` is uint8 [3, h, w], `index` the place in the data set.
    """

    image: Tensor
    index: int
    key: str
    metadata: dict[str, Any]
    error: NotRequired[str]


class PhotoDataset(Dataset[Photo]):
    """The photographs of a shard set in its order, resized and cut to the middle.

    Args:
        shard_set: Where they lie.
        preprocess: Height and width that the model expects.
    """

    def __init__(self, shard_set: ShardSet, preprocess: Preprocess) -> None:
        self.preprocess = preprocess
        self.location = shard_set.location
        self._ends = torch.tensor(shard_set.samples_per_shard, dtype=torch.int64).cumsum(0)
        self._reader = ShardReader(shard_set)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Photo:
        """One photograph.

        Args:
            index: From 0 to `len` - 1.

        Returns:
            Image, key and metadata; a bad photograph comes with its reason in `error`.

        Raises:
            IndexError: If there is no such photograph.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"photograph {index} of {len(self)}")
        shard = int(torch.searchsorted(self._ends, index, right=True))
        sample = index - (int(self._ends[shard - 1]) if shard else 0)
        height, width = self.preprocess.height, self.preprocess.width
        photo = Photo(
            image=torch.zeros(3, height, width, dtype=torch.uint8),
            index=index,
            key=self._reader.key(shard, sample),
            metadata={},
        )
        try:
            raw = self._reader.read(shard, sample)
            photo["metadata"] = parse_metadata(raw.metadata, needs_point=False)
            photo["image"] = center_crop(decode_image(raw.image), height=height, width=width)
        except SampleError as error:
            photo["error"] = str(error)
        return photo
