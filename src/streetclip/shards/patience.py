"""A read that fails for a moment is tried again; one that fails for good becomes a clear error."""

import errno
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from streetclip.errors import ShardError

logger = logging.getLogger(__name__)

PAUSES_S = (0.1, 0.5, 2.0)
"""How long to wait before each further try."""
# Waiting changes nothing about these.
_FINAL = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP}
    | {errno.ENAMETOOLONG, errno.EINVAL}
)
_Value = TypeVar("_Value")


def patiently(read: Callable[[], _Value], what: str, *, remedy: str | None = None) -> _Value:
    """Reads, and after an error of the file system reads again, a few times.

    Network file systems and disks fail for a moment (``EIO``, ``ESTALE``, ``ETIMEDOUT``); that says
    nothing about the bytes, so it must never make a photograph bad.

    Args:
        read: Opens what it needs itself, so that a further try does not use a stale handle.
        what: Is read; the beginning of the message.
        remedy: What to do about it.

    Returns:
        What `read` returned.

    Raises:
        ShardError: It failed with an `OSError` each time, or with one that will not pass.

    Example:
        >>> patiently(lambda: 7, "shard 000000.tar")
        7
    """
    for pause_s in (*PAUSES_S, None):
        try:
            return read()
        except OSError as error:
            if pause_s is None or error.errno in _FINAL:
                tries = "" if error.errno in _FINAL else ", again and again"
                raise ShardError(
                    f"{what} cannot be read{tries}", got=error, remedy=remedy
                ) from error
            logger.warning("%s: %s; trying again in %g s", what, error, pause_s)
            time.sleep(pause_s)
    raise AssertionError("the last try returns or raises")
