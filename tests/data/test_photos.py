import pickle
from pathlib import Path

import pytest
import torch
from tests.data.conftest import COUNTRIES, photo, write_tars

from streetclip.data.decode import center_crop, decode_image
from streetclip.data.photos import PhotoDataset
from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet


def test_photographs_come_in_the_order_of_the_set_with_their_metadata(
    shard_set: ShardSet, preprocess: Preprocess
) -> None:
    photos = PhotoDataset(shard_set, preprocess)
    assert len(photos) == 50
    for index in (0, 19, 20, 32, 33, 49):
        item = photos[index]
        expected = center_crop(decode_image(photo(index)), height=16, width=16)
        assert (item["index"], item["key"]) == (index, f"{index:04d}")
        assert torch.equal(item["image"], expected)
        assert item["metadata"]["country"] == COUNTRIES[index % 4]
        assert item["metadata"]["latitude"] == index % 90
        assert "error" not in item


def test_a_bad_photograph_is_returned_with_its_reason(
    tmp_path: Path, preprocess: Preprocess
) -> None:
    write_tars(tmp_path, [3], broken=[1])
    items = list(map(PhotoDataset(index_shards(tmp_path), preprocess).__getitem__, range(3)))
    assert ["error" in item for item in items] == [False, True, False]
    assert items[1]["error"].startswith("unreadable_image")
    assert items[1]["key"] == "0001"
    assert items[1]["metadata"]["country"] == "NL"
    assert not items[1]["image"].any()


@pytest.mark.parametrize("index", [-1, 50])
def test_places_outside_the_set_are_refused(
    index: int, shard_set: ShardSet, preprocess: Preprocess
) -> None:
    with pytest.raises(IndexError, match="of 50"):
        _ = PhotoDataset(shard_set, preprocess)[index]


def test_the_data_set_can_be_sent_to_a_worker(shard_set: ShardSet, preprocess: Preprocess) -> None:
    photos = PhotoDataset(shard_set, preprocess)
    assert torch.equal(pickle.loads(pickle.dumps(photos))[7]["image"], photos[7]["image"])
