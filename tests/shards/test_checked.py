import hashlib
import logging
from pathlib import Path

import pytest
from tests.badserver import BadServer

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.checked import fetch_checked, parse_checked
from streetclip.shards.effort import Effort


@pytest.mark.parametrize("fragment", ["", "sha256=12", "md5=0", "sha256=" + "g" * 64])
def test_what_is_no_digest_is_refused(fragment: str) -> None:
    with pytest.raises(ShardError, match=r"no digest stands behind https://h/x\.ckpt; .*#sha256="):
        parse_checked(f"https://h/x.ckpt#{fragment}")


def test_a_file_without_digest_is_the_one_that_was_fetched_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"old")
    cache = Cache(tmp_path / "cache", effort=Effort(timeout_s=20.0, tries=2, pause_s=0.01))
    with BadServer(tmp_path) as server, caplog.at_level(logging.INFO, "streetclip"):
        assert fetch_checked(f"{server.url}/x.ckpt", cache).read_bytes() == b"old"
        assert caplog.text == ""
        (tmp_path / "x.ckpt").write_bytes(b"new")
        assert fetch_checked(f"{server.url}/x.ckpt", cache).read_bytes() == b"old"
        assert "x.ckpt is taken from the cache" in caplog.text
        digest = hashlib.sha256(b"new").hexdigest().upper()
        found = fetch_checked(f"{server.url}/x.ckpt#sha256={digest}", cache)
        assert (found.name, found.read_bytes()) == (digest.lower(), b"new")
