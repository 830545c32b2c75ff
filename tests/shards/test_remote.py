"""A URL opens bytes and never runs anything."""

from pathlib import Path

import fsspec
import pytest

from streetclip.errors import ShardError
from streetclip.shards.remote import join_url, open_bytes, shown


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


@pytest.mark.parametrize(
    ("folder", "name", "joined"),
    [
        ("https://h/set", "a b#1?.tar", "https://h/set/a%20b%231%3F.tar"),
        ("https://h/set/?t=1", "a.tar", "https://h/set/a.tar?t=1"),
        ("s3://bucket/set/", "a b#1.tar", "s3://bucket/set/a b#1.tar"),
        ("hf://datasets/u/r@main/set", "a.tar", "hf://datasets/u/r@main/set/a.tar"),
    ],
)
def test_a_file_of_a_folder_has_its_url(folder: str, name: str, joined: str) -> None:
    assert join_url(folder, name) == joined


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://me:secret@h/a.tar", "ftp://h/a.tar"),
        ("https://h/a.tar?X-Signature=secret#part", "https://h/a.tar?..."),
        ("hf://datasets/u/r@main/a.tar", "hf://datasets/u/r@main/a.tar"),
        ("file:///data/a.tar", "file:///data/a.tar"),
    ],
)
def test_passwords_and_tokens_are_not_shown(url: str, text: str) -> None:
    assert shown(url) == text
