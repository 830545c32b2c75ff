"""What training would stumble over is found beforehand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.badserver import BadServer

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.index import index_shards
from streetclip.shards.verify import verify

WriteTar = Callable[..., Path]
Sample = Callable[[str], list[tuple[str, bytes]]]


def found(folder: Path, processes: int = 1) -> list[tuple[str, str, str]]:
    problems = verify(folder, processes=processes)
    return [(problem.shard, problem.key, problem.reason) for problem in problems]


def test_a_good_shard_set_has_no_problem(write_tar: WriteTar, sample: Sample) -> None:
    folder = write_tar(sample("a") + sample("b")).parent
    index_shards(folder)
    assert found(folder) == []


def test_a_photograph_that_cannot_be_decoded_is_named(
    write_tar: WriteTar, sample: Sample, make_jpeg: Callable[[int], bytes]
) -> None:
    for number in range(2):
        bad = [("bad.jpg", make_jpeg(1)[:-300]), ("bad.json", sample("x")[1][1])]
        path = write_tar([*sample(f"good{number}"), *(bad if number else [])], f"set/{number}.tar")
    index_shards(path.parent)
    assert found(path.parent) == [("1.tar", "bad", "unreadable_image")]
    assert found(path.parent, processes=2) == found(path.parent)


def test_a_changed_tar_is_named(write_tar: WriteTar, sample: Sample) -> None:
    path = write_tar(sample("a"))
    index_shards(path.parent)
    raw = bytearray(path.read_bytes())
    raw[700] ^= 1
    path.write_bytes(raw)
    assert found(path.parent) == [
        ("000000.tar", "", "tar_digest"),
        ("000000.tar", "a", "image_checksum"),
    ]
    raw[5] ^= 1
    path.write_bytes(raw)
    assert ("000000.tar", "", "damaged_tar") in found(path.parent)


def test_a_changed_index_is_named(write_tar: WriteTar, sample: Sample) -> None:
    path = write_tar(sample("a"))
    index_shards(path.parent)
    index = path.parent / "000000.tar.index"
    index.write_bytes(index.read_bytes()[:-1])
    assert found(path.parent) == [("000000.tar", "", "damaged_shard")]


def test_a_key_in_two_tars_is_named(write_tar: WriteTar, sample: Sample) -> None:
    for number in range(2):
        folder = write_tar(sample("a"), f"set/{number}.tar").parent
    index_shards(folder)
    assert found(folder) == [("1.tar", "a", "duplicate_key")]


def test_progress_is_shown_on_request(
    write_tar: WriteTar, sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_tar(sample("a")).parent
    index_shards(folder)
    verify(folder, progress=True)
    assert "verify" in capsys.readouterr().err


def test_there_must_be_something_to_verify(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="is no shard set"):
        verify(tmp_path)


def test_bad_metadata_that_was_indexed_elsewhere_is_named(
    write_tar: WriteTar, make_jpeg: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = json.dumps({"latitude": 95, "longitude": 2}).encode()
    path = write_tar([("a.jpg", make_jpeg(1)), ("a.json", raw)])
    with monkeypatch.context() as patch:
        patch.setattr("streetclip.shards.index.parse_metadata", lambda _: {})
        index_shards(path.parent)
    assert found(path.parent) == [("000000.tar", "a", "bad_latitude")]


def test_a_remote_set_has_the_problems_of_the_local_one(
    write_tar: WriteTar, sample: Sample, make_jpeg: Callable[[int], bytes], tmp_path: Path
) -> None:
    bad = [("bad.jpg", make_jpeg(1)[:-300]), ("bad.json", sample("x")[1][1])]
    for split in ("train", "val"):
        path = write_tar([*sample(split), *bad], f"{split}/000000.tar")
        index_shards(path.parent)
    cache = Cache(tmp_path / "cache", effort=Effort(timeout_s=20.0, tries=2, pause_s=0.01))
    with BadServer(tmp_path) as server:
        remote = verify(server.url, cache=cache)
        assert remote == verify(tmp_path)
        assert [problem.reason for problem in remote].count("unreadable_image") == 2
        assert verify(f"{server.url}/val", cache=cache) == verify(tmp_path / "val")
