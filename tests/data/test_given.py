from pathlib import Path

import pytest
from tests.badserver import BadServer

from streetclip.data.given import indexed, opener, stated, tars
from streetclip.errors import PlanError
from streetclip.shards.cache import Cache
from streetclip.shards.layout import ShardSet, open_shard_set


def test_a_shard_set_serves_both_orders_from_a_folder_and_from_a_url(
    shard_set: ShardSet, tmp_path: Path
) -> None:
    with BadServer(shard_set.root) as server:
        cache = Cache(tmp_path)
        remote = open_shard_set(server.url, cache=cache)
        for given, where in ((shard_set, str(shard_set.root)), (remote, server.url)):
            assert indexed(given) is given
            assert tars(given) == [f"{where}/{number:06}.tar" for number in range(3)]
            assert stated(None, given) == 50
            assert stated(7, given) == 7
        opening = opener(remote, None)
        assert opening.cache is cache
        with opening(tars(remote)[1]) as tar:
            assert tar.read() == shard_set.path(1).read_bytes()
        assert (tmp_path / shard_set.shards[1].sha256).exists()


def test_tars_serve_the_resampled_order_only(tmp_path: Path) -> None:
    assert tars("a.tar") == tars(["a.tar"]) == ["a.tar"]
    assert opener(["a.tar"], Cache(tmp_path)).cache == Cache(tmp_path)
    assert opener(["a.tar"], None).cache == Cache()
    with pytest.raises(PlanError, match=r"set with an index; got: a\.tar, b\.tar"):
        indexed(["a.tar", "b.tar"])
    with pytest.raises(PlanError, match=r"set data\.samples_per_epoch"):
        stated(None, ["a.tar"])
