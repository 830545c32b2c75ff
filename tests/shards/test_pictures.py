import io
from pathlib import Path

from PIL import Image
from tests.tinyshards import write_tiny_shards

from streetclip.shards.layout import open_shard_set
from streetclip.shards.pictures import Pictures


def test_photographs_are_found_by_key_in_any_tar(tmp_path: Path) -> None:
    pictures = Pictures(open_shard_set(write_tiny_shards(tmp_path / "set", sizes=(3, 2))))
    for key in ("s0_002", "s1_001"):
        raw = pictures(key)
        assert raw is not None
        assert Image.open(io.BytesIO(raw)).size == (40, 40)
    assert pictures("s0_000") != pictures("s0_001")
    assert pictures("absent") is None


def test_a_photograph_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    folder = write_tiny_shards(tmp_path / "set", sizes=(2,))
    shard_set = open_shard_set(folder)
    tar = folder / "000000.tar"
    raw = bytearray(tar.read_bytes())
    raw[raw.index(b"\xff\xd8\xff") + 300] ^= 0xFF
    tar.write_bytes(raw)
    assert Pictures(shard_set)("s0_000") is None
