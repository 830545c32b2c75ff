import json
from pathlib import Path

import pytest
from tests.badserver import BadServer
from tests.sources import write_osv5m

from streetclip.build.remote import (
    cache_of,
    names_tars,
    prefetch_of,
    train_and_val,
    whole_set,
)
from streetclip.build.sources import is_bare, open_set, prepare
from streetclip.config.data import DataConfig, RemoteConfig
from streetclip.data.prefetch import Prefetch
from streetclip.errors import ShardError
from streetclip.shards.cache import Cache, default_folder
from streetclip.shards.effort import Effort
from streetclip.shards.index import index_shards


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", effort=Effort(timeout_s=20.0, tries=2, pause_s=0.01))


def make_splits(folder: Path, *names: str) -> None:
    for name in names:
        index_shards(write_osv5m(folder / name, tars=1))
        path = folder / name / "shards.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"split": name}))


def test_options_become_a_cache(tmp_path: Path) -> None:
    options = RemoteConfig(cache_dir=str(tmp_path), cache_gib=0.5, timeout_s=7.0, tries=3)
    assert cache_of(options) == Cache(tmp_path, 2**29, Effort(timeout_s=7.0, tries=3))
    assert cache_of(RemoteConfig()) == Cache(default_folder())
    assert cache_of(RemoteConfig(cache_dir="~/x")).folder == Path.home() / "x"
    assert prefetch_of(RemoteConfig(prefetch_shards=3, downloads=2)) == Prefetch(3, 2)
    assert prefetch_of(RemoteConfig()) == Prefetch()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/a.TAR", True),
        ("s3://bucket/{00..10}", True),
        ("https://example.org/set.tar/?x=a.tar", False),
        ("hf://datasets/u/r/set", False),
    ],
)
def test_tars_are_told_from_sets_by_their_names(url: str, expected: bool) -> None:
    assert names_tars(url) is is_bare(url) is expected


def test_a_folder_of_splits_serves_for_training_and_validation(
    tmp_path: Path, cache: Cache
) -> None:
    make_splits(tmp_path / "both", "train", "val")
    make_splits(tmp_path / "one", "all")
    with BadServer(tmp_path) as server:
        both, one = f"{server.url}/both", f"{server.url}/one"
        assert train_and_val(both, cache) == (f"{both}/train", f"{both}/val")
        assert train_and_val(f"{both}/train", cache) == (f"{both}/train", None)
        assert train_and_val(one, cache) == (f"{one}/all", None)
        assert whole_set(both, cache) == f"{both}/val"
        assert whole_set(one, cache) == f"{one}/all"
        assert whole_set(f"{both}/train", cache) == f"{both}/train"
        for wrong in (f"{both}/val", server.url):
            with pytest.raises(ShardError, match=r"is the val split|no shard set at"):
                train_and_val(wrong, cache)
        with pytest.raises(ShardError, match="no shard set at"):
            whole_set(server.url, cache)


@pytest.mark.parametrize("order", ["planned", "resampled"])
def test_sources_at_urls_are_named_and_opened(tmp_path: Path, cache: Cache, order: str) -> None:
    make_splits(tmp_path / "set", "train", "val")
    with BadServer(tmp_path) as server:
        url = f"{server.url}/set"
        data = DataConfig(source=url, order=order)
        sources = prepare(data, {"city": f"{url}/train"}, progress=False)
        assert (sources.train, sources.val) == (f"{url}/train", f"{url}/val")
        assert sources.sets == {"city": f"{url}/train"}
        assert len(open_set(sources.train, cache)) == len(open_set(str(tmp_path / "set/train")))
        assert not is_bare(sources.train)
