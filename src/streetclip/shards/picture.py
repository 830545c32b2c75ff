"""A picture of any kind that cameras write: opened, its header checked, nothing decoded yet.

The builder of shards, their index, `verify` and training all open photographs here, so that none of
them takes what another one refuses.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from PIL import Image, UnidentifiedImageError

from streetclip.errors import SampleError

# A 12,000 x 9,000 panorama would take 324 MB as pixels: more than this is a mistake or an attack.
MAX_PIXELS = 80_000_000
MIN_SIDE_PX = 16
# A longer strip would have to be enlarged to hundreds of megabytes before a square is cut from it.
MAX_ASPECT = 64
# What decoders raise on bytes that are not what they claim to be; no disk or network is asked here.
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    MemoryError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)
# Pillow knows many more formats, among them some that start another program.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")


@contextmanager
def decoding() -> Iterator[None]:
    """Turns whatever decoders of pictures raise into a `SampleError`, and hushes their warnings.

    Raises:
        SampleError: ``unreadable_image`` or ``image_too_large``.

    Example:
        >>> with decoding():
        ...     raise OSError("image file is truncated")
        Traceback (most recent call last):
        ...
        streetclip.errors.SampleError: unreadable_image: OSError: image file is truncated
    """
    try:
        with warnings.catch_warnings():
            # Remarks on odd metadata, and on sizes for which our own limit comes next.
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except Image.DecompressionBombError as error:
        raise SampleError("image_too_large", str(error)) from error
    except UnidentifiedImageError as error:
        # Pillow's own message holds a memory address, which differs from run to run.
        raise SampleError("unreadable_image", "no image of a kind that can be read") from error
    except DECODE_ERRORS as error:
        raise SampleError("unreadable_image", f"{type(error).__name__}: {error}"[:200]) from error


def open_photograph(raw: bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Reads the header of a photograph and checks its size; no pixel is decoded yet.

    Args:
        raw: The photograph's bytes.
        max_pixels: Width times height, at most.

    Returns:
        The opened image.

    Raises:
        SampleError: ``unreadable_image``, or the size is that of no photograph
            (``image_too_large``, ``image_too_small``, ``image_too_narrow``).
    """
    if not raw:
        raise SampleError("unreadable_image", "empty file")
    with decoding():
        image = Image.open(io.BytesIO(raw), formats=_formats())
    width, height = image.size
    if width * height > max_pixels:
        raise SampleError("image_too_large", f"{width} x {height} pixels, {max_pixels} allowed")
    check_sides(width, height)
    return image


def check_sides(width: int, height: int) -> None:
    """Refuses pictures that are too small or too narrow to show anything.

    Args:
        width: Pixels.
        height: Pixels.

    Raises:
        SampleError: ``image_too_small`` or ``image_too_narrow``.
    """
    if min(width, height) < MIN_SIDE_PX:
        raise SampleError("image_too_small", f"{width} x {height} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise SampleError("image_too_narrow", f"{width} x {height} pixels")


@cache
def _formats() -> tuple[str, ...]:
    """Those of our formats that this Pillow was built with; it trips over the others."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)
