"""A tar opens from a path and from a URL alike, and never runs anything."""

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from tests.badserver import Answer, BadServer, Fault, always

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.opener import TarOpener
from streetclip.shards.remote import RemoteFile

WriteTar = Callable[..., Path]


@pytest.fixture
def tar(write_tar: WriteTar, sample: Callable[[str], list[tuple[str, bytes]]]) -> Path:
    """A tar of two samples."""
    return write_tar(sample("a") + sample("b"))


@pytest.fixture
def opener(tmp_path: Path) -> TarOpener:
    return TarOpener(
        Cache(tmp_path / "cache", effort=Effort(timeout_s=20.0, tries=2, pause_s=0.01))
    )


def test_paths_and_urls_open_the_same_bytes(tar: Path, opener: TarOpener) -> None:
    with fsspec.open("memory://test_opener/b.tar", "wb") as out:
        out.write(tar.read_bytes())
    with BadServer(tar.parent) as server:
        web = f"{server.url}/000000.tar"
        names = (str(tar), f"file://{tar}", "memory://test_opener/b.tar", web)
        for name in names * 2:
            with pickle.loads(pickle.dumps(opener))(name) as file:
                assert file.read() == tar.read_bytes()
        assert server.statuses("000000.tar") == [200]


def test_a_body_that_was_cut_without_length_is_refused(tar: Path, opener: TarOpener) -> None:
    cut = Fault(always(Answer(has_length=False, sends=0.3)))
    with (
        BadServer(tar.parent, cut) as server,
        pytest.raises(ShardError, match=r"000000\.tar cannot be fetched; .*it is cut short"),
    ):
        opener(f"{server.url}/000000.tar")


def test_a_digest_that_is_known_is_checked_instead(tar: Path, opener: TarOpener) -> None:
    with BadServer(tar.parent) as server:
        url, digest = f"{server.url}/000000.tar", hashlib.sha256(tar.read_bytes()).hexdigest()
        TarOpener(opener.cache, {url: RemoteFile(url, None, digest)})(url).close()
        assert (opener.cache.folder / digest).exists()
        wrong = TarOpener(opener.cache, {url: RemoteFile(url, None, "0" * 64)})
        with pytest.raises(ShardError, match=f"its sha256 is {digest}"):
            wrong(url)


def test_a_shell_is_never_run(tmp_path: Path, opener: TarOpener) -> None:
    with pytest.raises(ShardError, match="runs a shell command and is refused"):
        opener(f"pipe:touch {tmp_path}/ran")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_named(tmp_path: Path, opener: TarOpener) -> None:
    with pytest.raises(ShardError, match=r"absent.tar cannot be opened; got: FileNotFoundError"):
        opener(str(tmp_path / "absent.tar"))
