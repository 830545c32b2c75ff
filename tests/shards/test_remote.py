"""A URL opens bytes and never runs anything."""

from pathlib import Path

import fsspec
import pytest

from streetclip.errors import ShardError
from streetclip.shards.remote import open_bytes


def test_paths_and_urls_open_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"bytes")
    for name in (tmp_path / "a.tar", f"{tmp_path}/a.tar", f"file://{tmp_path}/a.tar"):
        with open_bytes(name) as file:
            assert file.read() == b"bytes"
    with fsspec.open("memory://b.tar", "wb") as out:
        out.write(b"more")
    with open_bytes("memory://b.tar") as file:
        assert file.read() == b"more"


@pytest.mark.parametrize("prefix", ["pipe:", "PIPE:", " pipe:", "|"])
def test_a_shell_is_never_run(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(ShardError, match="runs a shell command and is refused"):
        open_bytes(f"{prefix}touch {tmp_path}/ran")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "url", ["zip://a.jpg::file:///a.zip", "reference://x", "github://o:r@/x", "exec:rm"]
)
def test_unknown_schemes_are_refused(url: str) -> None:
    with pytest.raises(ShardError, match="no such way to open a shard"):
        open_bytes(url)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"absent.tar cannot be opened; got: FileNotFoundError"):
        open_bytes(tmp_path / "absent.tar")
