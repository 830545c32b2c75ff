"""What can still be read of a damaged tar is found, and every place that cannot is named."""

from pathlib import Path

import pytest
from tests.badthings.shardset import good_sample
from tests.badthings.tars import BAD_TARS, FLIPPED_DATA, BadTar

from streetclip.shards.salvage import salvage_tar

SAMPLES = [good_sample(number) for number in range(4)]


@pytest.mark.parametrize("bad", BAD_TARS, ids=lambda bad: bad.name)
def test_good_samples_are_found_and_the_rest_is_listed(bad: BadTar, tmp_path: Path) -> None:
    tar = tmp_path / "0.tar"
    tar.write_bytes(bad.make(SAMPLES))
    found = salvage_tar(tar)
    keys = [found.index.key(sample) for sample in range(len(found.index))]
    assert keys == [bad.new_keys.get(number, SAMPLES[number].key) for number in bad.kept]
    listed = {row.name.removeprefix("0.tar").removeprefix("/"): row.reason
              for row in found.rejections}  # fmt: skip
    if bad.error is None:
        assert listed == bad.rejected
    else:
        named = {name for name, reason in listed.items() if reason == bad.reason}
        # A place that cannot be read is an entry with the name of the tar alone.
        assert named if bad.reason == "duplicate_key" else "" in named
        assert all(row.detail for row in found.rejections)


def test_the_data_of_samples_that_are_found_are_theirs(tmp_path: Path) -> None:
    tar = tmp_path / "0.tar"
    for bad in BAD_TARS:
        tar.write_bytes(bad.make(SAMPLES))
        raw = tar.read_bytes()
        for record in salvage_tar(tar).index.records:
            offset, size = int(record["image_offset"]), int(record["image_size"])
            assert raw[offset : offset + size] == SAMPLES[0].image, bad.name


def test_a_flipped_bit_of_data_is_not_seen_without_an_index(tmp_path: Path) -> None:
    tar = tmp_path / "0.tar"
    tar.write_bytes(FLIPPED_DATA(SAMPLES))
    assert len(salvage_tar(tar).index) == 4
