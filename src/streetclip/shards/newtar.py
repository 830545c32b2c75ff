"""Writes a tar whose bytes depend on its members alone: no clock, no user, no machine.

webdataset's own writer would bring torch along, notes user and time unless told otherwise, and
takes three times as long (`bench/shards_read.py`).
"""

import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streetclip.shards.tar import BLOCK

Add = Callable[[str, bytes], int]
"""Takes the name of a member and its bytes; says where in the tar the bytes begin."""

_RECORD = 20 * BLOCK
_NAME, _SIZE, _CHECKSUM = slice(0, 100), slice(124, 136), slice(148, 156)
_LARGEST = 8**11 - 1
_BUFFER = 1 << 20


@contextmanager
def new_tar(path: Path) -> Iterator[Add]:
    """A new tar, durable on the disk when the block ends.

    Args:
        path: What was there is replaced.

    Yields:
        A function that adds a member.
    """
    position = 0
    with path.open("wb", buffering=_BUFFER) as file:

        def add(name: str, data: bytes) -> int:
            nonlocal position
            header = _header(name, len(data))
            begin = position + len(header)
            position = begin + len(data) + -len(data) % BLOCK
            file.write(header)
            file.write(data)
            file.write(bytes(-len(data) % BLOCK))
            return begin

        yield add
        file.write(bytes(2 * BLOCK))
        file.write(bytes(-(position + 2 * BLOCK) % _RECORD))
        file.flush()
        os.fsync(file.fileno())


def _header(name: str, size: int) -> bytes:
    """Of a short name in ASCII, such as ours, a plain ustar header; tarfile's of any other."""
    if not name.isascii() or len(name) > _NAME.stop or size > _LARGEST:
        return _tarfile_header(name, size)
    header = bytearray(_TEMPLATE)
    header[_NAME] = name.encode().ljust(_NAME.stop, b"\0")
    header[_SIZE] = b"%011o\0" % size
    # A checksum is taken with spaces in its own place.
    header[_CHECKSUM] = b"%06o\0 " % sum(header)
    return bytes(header)


def _tarfile_header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _template() -> bytes:
    header = bytearray(_tarfile_header("", 0))
    header[_CHECKSUM] = b" " * 8
    return bytes(header)


_TEMPLATE = _template()
