"""Where a shard set lies below a URL, and what is refused there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.badserver import Answer, BadServer, Fault, always, first

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.find import remote_splits
from streetclip.shards.index import index_shards
from streetclip.shards.layout import (
    ShardEntry,
    ShardSet,
    open_shard_set,
    shard_set_digest,
)

WriteTar = Callable[..., Path]
Sample = Callable[[str], list[tuple[str, bytes]]]
EFFORT = Effort(timeout_s=20.0, tries=2, pause_s=0.01)


@pytest.fixture
def make_split(write_tar: WriteTar, sample: Sample, tmp_path: Path) -> Callable[[str], ShardSet]:
    """Makes a shard set of one sample in ``out/NAME``, which says that it is that split."""

    def make(name: str) -> ShardSet:
        (tmp_path / "out").mkdir(exist_ok=True)
        folder = write_tar(sample(name), f"out/{name}/000000.tar").parent
        index_shards(folder)
        path = folder / "shards.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"split": name}))
        return open_shard_set(folder)

    return make


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", effort=EFFORT)


def test_a_split_is_found_below_the_url(
    tmp_path: Path, cache: Cache, make_split: Callable[[str], ShardSet]
) -> None:
    made = {name: make_split(name) for name in ("train", "val")}
    with BadServer(tmp_path / "out") as server:
        assert remote_splits(server.url, EFFORT) == ("train", "val")
        for name, local in made.items():
            for url in (server.url, f"{server.url}/{name}/"):
                remote = open_shard_set(url, split=name, cache=cache)
                assert (remote.split, remote.digest) == (name, local.digest)
                assert remote.location.rstrip("/") == f"{server.url}/{name}"
        with pytest.raises(ShardError, match=r"holds several splits; got: train, val; name one"):
            open_shard_set(server.url, cache=cache)
        with pytest.raises(ShardError, match="is the val split; got: asked for train"):
            open_shard_set(f"{server.url}/val", split="train", cache=cache)


def test_a_set_without_split_serves_for_training_only(
    tmp_path: Path, cache: Cache, make_split: Callable[[str], ShardSet]
) -> None:
    local = make_split("all")
    with BadServer(tmp_path / "out") as server:
        for split in (None, "train"):
            assert open_shard_set(server.url, split=split, cache=cache).digest == local.digest
        with pytest.raises(ShardError, match="has no val split; got: all"):
            open_shard_set(server.url, split="val", cache=cache)


def test_a_token_in_the_url_goes_to_every_file_and_into_no_message(
    tmp_path: Path, cache: Cache, make_split: Callable[[str], ShardSet]
) -> None:
    root = make_split("all").root
    with BadServer(root) as server:
        remote = open_shard_set(f"{server.url}?token=secret", cache=cache)
        assert remote.path(0).read_bytes() == (root / "000000.tar").read_bytes()
        assert remote.describe(0) == f"{server.url}/000000.tar?..."
        assert "secret" not in remote.location


@pytest.mark.parametrize("status", [403, 404])
def test_where_nothing_may_be_read_the_way_out_is_named(
    tmp_path: Path, cache: Cache, status: int
) -> None:
    with (
        BadServer(tmp_path, Fault(always(Answer(status=status)))) as server,
        pytest.raises(ShardError, match=r"no shard set at http.* may be read.*order=resampled"),
    ):
        open_shard_set(server.url, cache=cache)


def test_a_server_that_does_not_answer_is_no_empty_folder(
    tmp_path: Path, cache: Cache, make_split: Callable[[str], ShardSet]
) -> None:
    root = make_split("all").root
    with (
        BadServer(root, Fault(always(Answer(status=500)))) as server,
        pytest.raises(ShardError, match=r"shards\.json cannot be fetched; got: try 1: 500"),
    ):
        open_shard_set(server.url, cache=cache)


def test_the_list_is_always_fetched_anew(
    tmp_path: Path, cache: Cache, make_split: Callable[[str], ShardSet]
) -> None:
    root = make_split("all").root
    with BadServer(root, Fault(first(1, Answer(sends=0.5)))) as server:
        for _ in range(2):
            open_shard_set(server.url, cache=cache)
        # What came of the first answer may be continued; the second opening takes nothing over.
        assert server.statuses("shards.json")[-1] == 200
        assert len(server.statuses("shards.json")) == 3
    assert not cache.folder.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "../000000.tar"}, r"field file; got: '\.\./000000\.tar'; allowed: .*no /"),
        ({"file": ".."}, r"wrong field file; got: '\.\.'; "),
        ({"file": "a\\b.tar"}, "field file; got: "),
        ({"sha256": "../../etc/passwd"}, "sha256; got: '../../etc/passwd'; allowed: 64 hexa"),
        ({"index_sha256": "A" * 64}, "wrong field index_sha256; got: 'AAA"),
    ],
)
def test_a_list_that_leads_out_of_the_folder_or_the_cache_is_refused(
    tmp_path: Path,
    cache: Cache,
    make_split: Callable[[str], ShardSet],
    change: dict[str, Any],
    message: str,
) -> None:
    path = make_split("all").root / "shards.json"
    content = json.loads(path.read_text())
    content["shards"][0] |= change
    content["digest"] = shard_set_digest([ShardEntry(**content["shards"][0])])
    path.write_text(json.dumps(content))
    with BadServer(path.parent) as server, pytest.raises(ShardError, match=message):
        open_shard_set(server.url, cache=cache)


@pytest.mark.parametrize("raw", [b"<html></html>", b'{"version": 1}', b"\xff"])
def test_a_page_is_no_list_of_shards(tmp_path: Path, cache: Cache, raw: bytes) -> None:
    (tmp_path / "shards.json").write_bytes(raw)
    with BadServer(tmp_path) as server:
        with pytest.raises(
            ShardError,
            match=rf"{server.url}/shards\.json cannot be fetched; got: try 1: it (is|has) no .*; "
            "try 2: it .*check the URL, or upload it again",
        ):
            open_shard_set(server.url, cache=cache)
        assert server.statuses("shards.json") == [200, 200]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(has_length=False, sends=0.5),
        Answer(is_page=True),
        Answer(is_page=True, has_length=False),
    ],
)
def test_a_list_that_is_cut_or_a_page_is_fetched_again(
    tmp_path: Path, cache: Cache, make_split: Callable[[str], ShardSet], answer: Answer
) -> None:
    local = make_split("all")
    with BadServer(local.root, Fault(first(1, answer))) as server:
        assert open_shard_set(server.url, cache=cache).digest == local.digest
        assert server.statuses("shards.json") == [200, 200]


def test_a_shell_is_never_run(tmp_path: Path, cache: Cache) -> None:
    for url in (f"pipe:touch {tmp_path}/ran://", f"exec://touch {tmp_path}/ran"):
        with pytest.raises(ShardError, match=r"runs a shell command|no such way to open"):
            open_shard_set(url, cache=cache)
    assert list(tmp_path.iterdir()) == []
