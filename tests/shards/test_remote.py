"""A URL is plain, and is shown without its secrets."""

import pytest

from streetclip.errors import ShardError
from streetclip.shards.remote import check_url, join_url, shown


@pytest.mark.parametrize("prefix", ["pipe:", "PIPE:", " pipe:", "|"])
def test_a_shell_is_refused(prefix: str) -> None:
    with pytest.raises(ShardError, match="runs a shell command and is refused"):
        check_url(f"{prefix}touch ran")


@pytest.mark.parametrize(
    "url", ["zip://a.jpg::file:///a.zip", "reference://x", "github://o:r@/x", "exec:rm"]
)
def test_unknown_schemes_are_refused(url: str) -> None:
    with pytest.raises(ShardError, match="no such way to open a shard"):
        check_url(url)


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
