"""Writes a tar whose bytes depend on its members alone: no clock, no user, no machine."""

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Add = Callable[[str, bytes], None]
"""Takes the name of a member and its bytes."""


@contextmanager
def new_tar(path: Path) -> Iterator[Add]:
    """A new tar, durable on the disk when the block ends.

    Args:
        path: What was there is replaced.

    Yields:
        A function that adds a member.
    """
    with path.open("wb") as file:
        # Of short names in ASCII, such as ours, the format makes a plain ustar header.
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:

            def add(name: str, data: bytes) -> None:
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.mtime = len(data), 0o644, 0
                tar.addfile(info, io.BytesIO(data))

            yield add
        file.flush()
        os.fsync(file.fileno())
