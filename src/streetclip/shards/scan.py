"""A first look at every photograph: its digest, and whether its header promises an image."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streetclip.errors import SampleError
from streetclip.shards.group import MAX_IMAGE_BYTES
from streetclip.shards.picture import open_photograph
from streetclip.shards.pool import Pool

_CHUNK = 64
_FEW = 1_000
_SETTLED_NS = 2_000_000_000
"""A file that was changed less than this before it was read may change again and keep its time."""

Stamp = tuple[int, ...]
"""Number, size and times of a file; empty where they would not tell that it has changed."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the first look found.

    Args:
        sha256: Of the file.
        width: Pixels.
        height: Pixels.
        stamp: Of the file when it was read; the same stamp means the same bytes.
    """

    sha256: str
    width: int
    height: int
    stamp: Stamp = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a photograph cannot be used.

    Args:
        reason: A short code.
        detail: What exactly was found.
        sha256: Of the file where it could be read.
    """

    reason: str
    detail: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class _Chunk:
    paths: Sequence[str]
    max_pixels: int


def scan_photographs(
    paths: Sequence[str], *, max_pixels: int, pool: Pool
) -> Iterator[Scanned | Unusable]:
    """Looks at photographs without decoding them.

    Args:
        paths: Files.
        max_pixels: Width times height, at most.
        pool: Looks at many of them.

    Yields:
        One outcome a path, in order.
    """
    chunks = (
        _Chunk(paths[start : start + _CHUNK], max_pixels) for start in range(0, len(paths), _CHUNK)
    )
    # A look takes a fraction of a millisecond, and a process a second to start.
    many = len(paths) > _FEW
    for outcomes in pool.outcomes(_scan_chunk, chunks) if many else map(_scan_chunk, chunks):
        yield from outcomes


def _scan_chunk(chunk: _Chunk) -> list[Scanned | Unusable]:
    return [_scan(Path(path), chunk.max_pixels) for path in chunk.paths]


def read_stamped(path: Path) -> tuple[bytes, Stamp]:
    """Reads a file, and says how to tell whether it is still the same.

    Args:
        path: Of the file.

    Returns:
        Its bytes, and its stamp from before they were read.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        state = os.fstat(file.fileno())
        # Nearly always all of it; one byte more tells that nothing follows.
        raw = os.read(file.fileno(), state.st_size + 1)
        if len(raw) != state.st_size:
            raw += file.readall()
    changed_ns = max(state.st_mtime_ns, state.st_ctime_ns)
    if len(raw) != state.st_size or time.time_ns() - changed_ns < _SETTLED_NS:
        return raw, ()
    return raw, (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def _scan(path: Path, max_pixels: int) -> Scanned | Unusable:
    try:
        size = path.stat().st_size
        if size > MAX_IMAGE_BYTES:
            return Unusable("image_too_large", f"{size} bytes, {MAX_IMAGE_BYTES} allowed")
        raw, stamp = read_stamped(path)
    except OSError as error:
        return Unusable("unreadable_file", error.strerror or type(error).__name__)
    digest = hashlib.sha256(raw).hexdigest()
    try:
        with open_photograph(raw, max_pixels=max_pixels) as image:
            return Scanned(digest, *image.size, stamp)
    except SampleError as error:
        return Unusable(error.reason, error.detail, digest)
