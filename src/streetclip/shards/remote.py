"""Opens bytes at a path or URL through fsspec; a URL never becomes a command."""

import io
import re
from pathlib import Path
from typing import cast

import fsspec

from streetclip.errors import ShardError

# What fsspec can open without running or unpacking anything: a list of what is known to be plain,
# because a list of what is dangerous would be out of date with the next plugin.
SCHEMES = (
    *("file", "http", "https", "s3", "s3a", "gs", "gcs", "hf", "az", "abfs", "abfss", "oci"),
    *("ftp", "sftp", "ssh", "hdfs", "memory"),
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")


def open_bytes(url_or_path: str | Path) -> io.IOBase:
    """Opens a file for reading.

    Args:
        url_or_path: A local path, or a URL of one of `SCHEMES`.

    Returns:
        An open binary file; close it, or use it in a `with` statement.

    Raises:
        ShardError: The scheme is not one of those (``pipe:`` among them), or nothing can be opened.
    """
    text = str(url_or_path)
    check_url(text)
    try:
        if not _scheme(text):
            return Path(text).open("rb")
        return cast(io.IOBase, fsspec.open(text, "rb").open())
    except (OSError, ImportError, ValueError) as error:
        raise ShardError(f"{text} cannot be opened", got=f"{type(error).__name__}: {error}") from (
            error
        )


def check_url(text: str) -> None:
    """Refuses URLs that would run a shell, or that nobody has looked at.

    Args:
        text: A path or URL.

    Raises:
        ShardError: For ``pipe:``, chained URLs and unknown schemes.

    Example:
        >>> check_url("https://example.org/000000.tar")
        >>> check_url("pipe:cat /etc/passwd")
        Traceback (most recent call last):
        ...
        streetclip.errors.ShardError: pipe: runs a shell command and is refused; ...
    """
    stripped = text.strip()
    if stripped.lower().startswith("pipe:") or "|" in stripped[:1]:
        raise ShardError(
            "pipe: runs a shell command and is refused",
            got=text[:100],
            allowed="a path, or a URL of " + ", ".join(SCHEMES),
        )
    scheme = _scheme(stripped)
    if "::" in stripped or (scheme and scheme not in SCHEMES):
        raise ShardError("no such way to open a shard", got=text[:100], allowed=", ".join(SCHEMES))


def _scheme(text: str) -> str:
    """The scheme of a URL, or nothing; a single letter is a drive of Windows."""
    match = _SCHEME.match(text.strip())
    return match[1].lower() if match and len(match[1]) > 1 else ""
