"""An index tells the country of each of its samples, and says so where it does not."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from tests.badthings.shardset import good_sample, write_shards
from tests.data.conftest import write_tars

from streetclip.errors import ShardError
from streetclip.shards.countries import ShardCountries
from streetclip.shards.index import index_shards


def test_equal_countries_have_one_number_in_every_shard(tmp_path: Path) -> None:
    # The photographs show FR, NL, GB, JP, FR, ... and the third one lies nowhere.
    write_tars(tmp_path, [3, 5], nowhere=[2])
    countries = ShardCountries(index_shards(tmp_path))
    first, second = countries(0).tolist(), countries(1).tolist()
    assert first[2] == 0
    assert second[1:] == [*first[:2], second[3], second[0]]
    assert len({*first, *second}) == 5
    # Two letters, the first in the low byte.
    assert first[0] == ord("F") + 256 * ord("R")


def test_a_tar_is_not_read(tmp_path: Path) -> None:
    write_tars(tmp_path, [4])
    shard_set = index_shards(tmp_path)
    (tmp_path / "000000.tar").unlink()
    countries = pickle.loads(pickle.dumps(ShardCountries(shard_set)))
    assert len(countries(0)) == 4


def test_an_index_without_countries_is_answered_with_the_remedy(tmp_path: Path) -> None:
    shard_set = write_shards(tmp_path, [[good_sample(0)]])
    with pytest.raises(ShardError, match=r"does not tell countries.*streetclip shards index"):
        ShardCountries(replace(shard_set))(0)
