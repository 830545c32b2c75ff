"""Photographs are found by their keys, in whichever tar they lie."""

import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image
from tests.tinyshards import write_tiny_shards

from streetclip.errors import SampleError
from streetclip.report.pictures import ShardPictures
from streetclip.shards.layout import open_shard_set


def test_every_photograph_is_the_one_in_its_tar(tmp_path: Path) -> None:
    folder = write_tiny_shards(tmp_path / "set", sizes=(3, 2))
    pictures = ShardPictures(open_shard_set(folder))
    for tar in sorted(folder.glob("*.tar")):
        with tarfile.open(tar) as members:
            for member in members.getmembers():
                if member.name.endswith(".jpg"):
                    file = members.extractfile(member)
                    assert file is not None
                    assert pictures(member.name.removesuffix(".jpg")) == file.read()
    assert pictures("s9_000") is None
    pictures.close()
    raw = pictures("s1_001")
    assert raw is not None
    assert Image.open(io.BytesIO(raw)).size == (40, 40)
    pictures.close()


def test_bytes_that_have_changed_are_named(tmp_path: Path) -> None:
    folder = write_tiny_shards(tmp_path / "set", sizes=(1,))
    pictures = ShardPictures(open_shard_set(folder))
    tar = folder / "000000.tar"
    data = bytearray(tar.read_bytes())
    start = data.index(b"\xff\xd8")
    data[start + 40] ^= 255
    tar.write_bytes(data)
    with pytest.raises(SampleError, match="image_checksum"):
        pictures("s0_000")
    pictures.close()
