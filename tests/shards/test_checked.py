import hashlib
import logging
import zipfile
from pathlib import Path

import pytest
from tests.badserver import Answer, BadServer, Fault, first

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.checked import fetch_checked, parse_checked
from streetclip.shards.effort import Effort

EFFORT = Effort(timeout_s=20.0, tries=3, pause_s=0.01)


def write_checkpoint(path: Path, word: str) -> bytes:
    """An archive such as torch writes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", word * 1000)
    return path.read_bytes()


@pytest.mark.parametrize("fragment", ["", "sha256=12", "md5=0", "sha256=" + "g" * 64])
def test_what_is_no_digest_is_refused(fragment: str) -> None:
    with pytest.raises(ShardError, match=r"no digest stands behind https://h/x\.ckpt; .*#sha256="):
        parse_checked(f"https://h/x.ckpt#{fragment}")


def test_a_file_without_digest_is_the_one_that_was_fetched_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = write_checkpoint(tmp_path / "x.ckpt", "old")
    cache = Cache(tmp_path / "cache", effort=EFFORT)
    with BadServer(tmp_path) as server, caplog.at_level(logging.INFO, "streetclip"):
        assert fetch_checked(f"{server.url}/x.ckpt", cache).read_bytes() == old
        assert caplog.text == ""
        new = write_checkpoint(tmp_path / "x.ckpt", "new")
        assert fetch_checked(f"{server.url}/x.ckpt", cache).read_bytes() == old
        assert "x.ckpt is taken from the cache" in caplog.text
        digest = hashlib.sha256(new).hexdigest().upper()
        found = fetch_checked(f"{server.url}/x.ckpt#sha256={digest}", cache)
        assert (found.name, found.read_bytes()) == (digest.lower(), new)


BAD_ANSWERS = [
    Answer(is_page=True),
    Answer(is_page=True, has_length=False),
    Answer(has_length=False, sends=0.5),
    Answer(has_length=False, sends=0.0),
    Answer(is_wrong=True),
]


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_bad_answer_is_asked_for_again(tmp_path: Path, answer: Answer) -> None:
    raw = write_checkpoint(tmp_path / "x.ckpt", "weights")
    cache = Cache(tmp_path / "cache", effort=EFFORT)
    with BadServer(tmp_path, Fault(first(1, answer))) as server:
        assert fetch_checked(f"{server.url}/x.ckpt", cache).read_bytes() == raw
        assert server.statuses("x.ckpt") == [200, 200]


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_what_is_no_checkpoint_is_refused_and_never_kept(tmp_path: Path, answer: Answer) -> None:
    raw = write_checkpoint(tmp_path / "x.ckpt", "weights")
    cache = Cache(tmp_path / "cache", effort=EFFORT)
    with BadServer(tmp_path, Fault(first(4, answer))) as server:
        url = f"{server.url}/x.ckpt"
        for asked in (2, 4):
            with pytest.raises(ShardError, match=r"try 2: it is no whole checkpoint.*check the UR"):
                fetch_checked(url, cache)
            assert len(server.requests) == asked
            assert [path.name for path in cache.folder.iterdir()] == [".lock"]
        assert fetch_checked(url, cache).read_bytes() == raw


def test_a_checkpoint_that_the_disk_or_an_older_version_spoiled_is_fetched_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = write_checkpoint(tmp_path / "x.ckpt", "weights")
    cache = Cache(tmp_path / "cache", effort=EFFORT)
    with BadServer(tmp_path) as server:
        url = f"{server.url}/x.ckpt?token=SECRET"
        fetch_checked(url, cache).write_bytes(b"<html></html>")
        with caplog.at_level(logging.INFO, "streetclip"):
            assert fetch_checked(url, cache).read_bytes() == raw
        assert "x.ckpt?... is damaged in the cache, and is fetched again" in caplog.text
        assert "SECRET" not in caplog.text
        assert len(server.requests) == 2
