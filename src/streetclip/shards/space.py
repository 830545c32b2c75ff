"""How much room shards will need, before a byte of them is written."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from streetclip.errors import ShardError
from streetclip.shards.scan import Scanned

# Bytes a pixel of street photographs at a JPEG quality, on the high side (0.31 measured at 90).
_QUALITIES = (1, 50, 75, 90, 95, 100)
_BYTES_PER_PIXEL = (0.05, 0.17, 0.26, 0.42, 0.65, 1.6)
_BYTES_BESIDE_PIXELS = 2_600


def check_space(out: Path, scanned: Sequence[Scanned], *, max_side_px: int, quality: int) -> None:
    """Refuses a build for which the disk is too small.

    Args:
        out: Where shards go; what a killed build has left there counts.
        scanned: The originals.
        max_side_px: Longer side of the shards' photographs, at most.
        quality: JPEG quality, 1 to 100.

    Raises:
        ShardError: Naming what is free and what is needed.
    """
    needed = estimate_bytes(scanned, max_side_px=max_side_px, quality=quality)
    check_free(out, needed, remedy="choose another disk, or a smaller max_side_px")


def check_free(out: Path, needed: int, *, remedy: str = "choose another disk") -> None:
    """Refuses to write shards for which the disk is too small.

    Args:
        out: Where they go; what an interrupted command has left there counts.
        needed: Bytes, at most.
        remedy: What to do about it.

    Raises:
        ShardError: Naming what is free and what is needed.
    """
    folder = next(path for path in (out.absolute(), *out.absolute().parents) if path.is_dir())
    written = sum(path.stat().st_size for path in out.rglob("*.tar"))
    free = shutil.disk_usage(folder).free
    if needed - written > free:
        raise ShardError(
            f"{folder} has too little space for the shards",
            got=f"{free / 1e9:.2f} GB free",
            allowed=f"about {needed / 1e9:.2f} GB",
            remedy=remedy,
        )


def estimate_bytes(scanned: Sequence[Scanned], *, max_side_px: int, quality: int) -> int:
    """About how many bytes the shards of some photographs will have, on the high side.

    Args:
        scanned: The originals.
        max_side_px: Longer side of the shards' photographs, at most.
        quality: JPEG quality, 1 to 100.

    Returns:
        Bytes.

    Example:
        >>> estimate_bytes([Scanned("", 4000, 3000)], max_side_px=512, quality=90)
        85175
    """
    sides = np.array([(found.width, found.height) for found in scanned], dtype=np.float64)
    sides = sides.reshape(-1, 2)  # also where there is no photograph
    scale = np.minimum(1.0, max_side_px / sides.max(axis=1, initial=1.0))
    pixels = (sides.prod(axis=1) * scale**2).sum()
    per_pixel = np.interp(quality, _QUALITIES, _BYTES_PER_PIXEL)
    return int(pixels * per_pixel) + _BYTES_BESIDE_PIXELS * len(scanned)
