"""Samples are reached through an index where there is one, else by a walk."""

import json
from pathlib import Path

import pytest
from tests.badthings.shardset import good_sample, write_shards
from tests.badthings.tarbytes import cut_at, header_of, plain

from streetclip.errors import ShardError
from streetclip.shards.reach import find_sources, reach, reach_by_index

SAMPLES = [good_sample(number) for number in range(4)]


def test_a_folder_is_a_shard_set_its_splits_or_tars(tmp_path: Path) -> None:
    write_shards(tmp_path / "both" / "train", [SAMPLES[:2], SAMPLES[2:3]])
    write_shards(tmp_path / "both" / "val", [SAMPLES[3:]])
    both = find_sources(tmp_path / "both")
    assert [(each.prefix, each.indexed) for each in both] == [("train/", True), ("val/", True)]
    (alone,) = find_sources(tmp_path / "both" / "train")
    assert (alone.prefix, alone.indexed, len(alone.shard_set.shards)) == ("", True, 2)
    (tmp_path / "bare").mkdir()
    for name in ("b.tar", "a.tar"):
        (tmp_path / "bare" / name).write_bytes(plain(SAMPLES))
    (bare,) = find_sources(tmp_path / "bare")
    assert not bare.indexed
    assert [entry.file for entry in bare.shard_set.shards] == ["a.tar", "b.tar"]


def test_one_shard_alone_carries_nothing_of_the_others(tmp_path: Path) -> None:
    write_shards(tmp_path, [SAMPLES[:2], SAMPLES[2:]])
    (source,) = find_sources(tmp_path)
    alone = source.alone(1)
    assert len(alone.shard_set.shards) == 1
    assert not alone.shard_set.countries
    reached = reach(alone)
    assert [reached.reader.read(0, sample).key for sample in range(reached.count)] == [
        "0002",
        "0003",
    ]


def test_a_walk_stands_in_for_an_index_that_cannot_be_used(tmp_path: Path) -> None:
    tar = write_shards(tmp_path, [SAMPLES]).path(0)
    (tmp_path / "000000.tar.index").write_bytes(b"nothing")
    (source,) = find_sources(tmp_path)
    with pytest.raises(ShardError, match="no index of a shard"):
        reach_by_index(source.alone(0))
    tar.write_bytes(cut_at(header_of(7))(SAMPLES))
    reached = reach(source.alone(0))
    assert (reached.count, reached.walked) == (3, True)
    assert "no index of a shard" in str(reached.index_fault)
    assert reached.reader.read(0, 2).key == "0002"
    assert [row.reason for row in reached.lost] == ["cut_tar", "no_metadata", "damaged_tar"]
    assert reached.lost[-1].detail == "1 of 4 samples are out of reach"


def test_where_neither_index_nor_tar_can_be_read_there_is_an_error(tmp_path: Path) -> None:
    tar = write_shards(tmp_path, [SAMPLES]).path(0)
    (source,) = find_sources(tmp_path)
    tar.unlink()
    assert reach(source.alone(0)).count == 4
    (tmp_path / "000000.tar.index").unlink()
    with pytest.raises(ShardError, match=r"000000\.tar cannot be read; got: .*No such file"):
        reach(source.alone(0))


def test_a_list_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    write_shards(tmp_path, [SAMPLES])
    (tmp_path / "shards.json").write_text(json.dumps({"version": 1}))
    with pytest.raises(ShardError, match=r"shards\.json has no field shards"):
        find_sources(tmp_path)
