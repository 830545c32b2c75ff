"""Members are copied as they are, under their own names as far as these can be read."""

import tarfile
from pathlib import Path

import pytest
from tests.badthings.scene import encoded, scene
from tests.badthings.shardset import PLACE, good_sample, write_shards
from tests.badthings.tarbytes import header_of, plain, tar_of

from streetclip.errors import ShardError
from streetclip.shards.copy import CopyJob, copy_shard
from streetclip.shards.index import index_shards
from streetclip.shards.reach import find_sources

SAMPLES = [good_sample(number) for number in range(3)]


def copied(folder: Path, left_out: frozenset[int] = frozenset()) -> dict[str, bytes]:
    """The members of the copy of the first tar of a folder, in their order."""
    (source,) = find_sources(folder)
    target = folder / "copy.tar"
    copy_shard(CopyJob(source.alone(0), left_out, target))
    with tarfile.open(target) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def test_names_and_order_of_members_stay_and_others_are_left_behind(tmp_path: Path) -> None:
    png, webp = encoded(scene(), "PNG"), encoded(scene(), "WEBP")
    members = [("d/a.json", PLACE), ("d/a.JPEG", SAMPLES[0].image), ("d/a.pkl", b"x")]
    members += [("b.png", png), ("b.json", PLACE), ("c.webp", webp), ("c.json", PLACE)]
    (tmp_path / "0.tar").write_bytes(tar_of(members))
    index_shards(tmp_path)
    kept = [member for member in members if not member[0].endswith("pkl")]
    assert list(copied(tmp_path).items()) == kept
    assert list(copied(tmp_path, frozenset({1}))) == [name for name, _ in kept if name[0] != "b"]


def test_a_name_that_cannot_be_read_any_more_comes_from_key_and_content(tmp_path: Path) -> None:
    png = encoded(scene(), "PNG")
    tar = tmp_path / "0.tar"
    tar.write_bytes(tar_of([("a.png", png), ("a.json", PLACE), ("b.bmp.x", b""), *_rest()]))
    index_shards(tmp_path)
    raw = bytearray(tar.read_bytes())
    raw[5] ^= 1
    tar.write_bytes(raw)
    assert list(copied(tmp_path).items())[:2] == [("a.png", png), ("a.json", PLACE)]


def _rest() -> list[tuple[str, bytes]]:
    return [(f"{SAMPLES[1].key}.jpg", SAMPLES[1].image), (f"{SAMPLES[1].key}.json", PLACE)]


def test_a_tar_that_changes_meanwhile_is_an_error(tmp_path: Path) -> None:
    tar = write_shards(tmp_path, [SAMPLES]).path(0)
    raw = bytearray(tar.read_bytes())
    raw[header_of(2)(plain(SAMPLES)) + 800] ^= 1
    tar.write_bytes(raw)
    with pytest.raises(ShardError, match=r"000000\.tar changed while it was copied"):
        copied(tmp_path)


def test_a_tar_of_which_nothing_is_left_is_not_written(tmp_path: Path) -> None:
    write_shards(tmp_path, [SAMPLES])
    (source,) = find_sources(tmp_path)
    done = copy_shard(CopyJob(source.alone(0), {0, 1, 2}, tmp_path / "copy.tar"))
    assert done.entry is None
    (tmp_path / "000000.tar").unlink()
    (tmp_path / "000000.tar.index").unlink()
    assert copy_shard(CopyJob(source.alone(0), set(), tmp_path / "copy.tar")).entry is None
    assert not (tmp_path / "copy.tar").exists()
