"""Checkpoints that a user names by URL."""

import logging
import re
import time
from pathlib import Path

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.remote import RemoteFile, shown
from streetclip.shards.weights import check_weights

logger = logging.getLogger(__name__)

_DIGEST = re.compile(r"sha256=([0-9a-fA-F]{64})")
_SOME_DIGEST = re.compile(r"(?:md5|sha1|sha256|sha512)[=:]\w*")


def fetch_checked(url: str, cache: Cache | None = None) -> Path:
    """Brings a checkpoint to the disk, whole and checked: by its digest, or else by itself.

    A URL without a digest names the same file for ever, as far as the cache is concerned; but one
    that is no whole checkpoint is never kept.

    Args:
        url: Such as ``https://host/x.ckpt``, or ``https://host/x.ckpt#sha256=HEX``.
        cache: Keeps it; None is the user's.

    Returns:
        Where it lies; it should be opened soon, because the cache may need its room.

    Raises:
        ShardError: It cannot be fetched, has another digest, or is no whole checkpoint.
    """
    file = parse_checked(url)
    cache = Cache() if cache is None else cache
    if file.sha256 is None:
        cache.mend(file)
    if file.sha256 is None and cache.holds(file):
        fetched = time.strftime(
            "%Y-%m-%d", time.localtime((cache.folder / file.name).stat().st_ctime)
        )
        logger.info(
            "%s is taken from the cache (%s, %s), whatever lies there now; #sha256=HEX behind the "
            "URL names one certain file",
            shown(file.url),
            cache.folder / file.name,
            fetched,
        )
    return cache.path(file)


def parse_checked(url: str) -> RemoteFile:
    """A URL and the digest that may stand behind it.

    Args:
        url: With or without ``#sha256=HEX``.

    Raises:
        ShardError: Something else stands there.

    Example:
        >>> parse_checked("https://example.org/x.ckpt#sha256=" + "AB" * 32).name == "ab" * 32
        True
    """
    plain, mark, fragment = url.partition("#")
    if not mark:
        return RemoteFile(plain, check=check_weights)
    found = _DIGEST.fullmatch(fragment)
    if found is None:
        raise ShardError(
            f"no digest stands behind {shown(plain)}",
            got=f"#{fragment}"[:80] if _SOME_DIGEST.fullmatch(fragment) else "something else",
            allowed="#sha256= and 64 hexadecimal digits",
        )
    return RemoteFile(plain, sha256=found[1].lower())
