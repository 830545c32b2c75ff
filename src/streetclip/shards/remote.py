"""URLs: which are allowed, how they are joined and shown. A URL never becomes a command."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from streetclip.errors import ShardError, hide_secrets, shown

__all__ = [
    "SCHEMES",
    "WEB",
    "RemoteFile",
    "check_url",
    "is_url",
    "join_url",
    "scheme_of",
    "shown",
]

# What fsspec can open without running or unpacking anything: a list of what is known to be plain,
# because a list of what is dangerous would be out of date with the next plugin.
SCHEMES = (
    *("file", "http", "https", "s3", "s3a", "gs", "gcs", "hf", "az", "abfs", "abfss", "oci"),
    *("ftp", "sftp", "ssh", "hdfs", "memory"),
)
WEB = ("http", "https")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file at a URL, and what is known of it before it is fetched.

    Args:
        url: Of one of `SCHEMES`.
        size: Bytes, or None.
        sha256: Of the file, 64 hexadecimal digits, or None.
        check: Called with the path of a fetched file whose digest nobody knows; raises a
            `ShardError` where it is not whole.

    Raises:
        ShardError: The digest is none.
    """

    url: str
    size: int | None = None
    sha256: str | None = None
    check: Callable[[Path], object] | None = None

    def __post_init__(self) -> None:
        # It becomes the name of a file, and may come from anybody.
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise ShardError(
                f"the sha256 of {shown(self.url)} is none",
                got=repr(self.sha256)[:100],
                allowed="64 hexadecimal digits in small letters",
            )

    @property
    def name(self) -> str:
        """Names the content where that is known, and else the URL."""
        return self.sha256 or "url-" + hashlib.sha256(self.url.encode()).hexdigest()


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
            got=hide_secrets(text)[:100],
            allowed="a path, or a URL of " + ", ".join(SCHEMES),
        )
    scheme = scheme_of(stripped)
    if "::" in stripped or (scheme and scheme not in SCHEMES):
        raise ShardError(
            "no such way to open a shard", got=hide_secrets(text)[:100], allowed=", ".join(SCHEMES)
        )


def is_url(text: str | Path) -> bool:
    """Whether a source is a URL and no path.

    Args:
        text: As the user gave it; a `Path` is none, because it has lost a slash.

    Example:
        >>> is_url("https://example.org/set"), is_url("shards/mine"), is_url(Path("s3://b"))
        (True, False, False)
    """
    return "://" in str(text)


def scheme_of(text: str) -> str:
    """The scheme of a URL in small letters, or nothing; a single letter is a drive of Windows.

    Args:
        text: A path or URL.

    Example:
        >>> scheme_of("HTTPS://example.org"), scheme_of("C:/shards")
        ('https', '')
    """
    match = _SCHEME.match(text.strip())
    return match[1].lower() if match and len(match[1]) > 1 else ""


def join_url(folder: str, name: str) -> str:
    """The URL of a file in a folder; a query of the folder, such as a token, goes with it.

    Args:
        folder: A URL.
        name: A plain file name.

    Example:
        >>> join_url("https://example.org/set/?token=1", "000000.tar")
        'https://example.org/set/000000.tar?token=1'
    """
    if scheme_of(folder) not in WEB:
        return f"{folder.rstrip('/')}/{name}"
    parts = urlsplit(folder)
    path = f"{parts.path.rstrip('/')}/{quote(name)}"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
