"""Makes decoded pictures smaller: Pillow's bicubic, to a level or two, in a sixth of its time.

torch is imported by the first picture that is made smaller, and not before: to index or verify
shards, or to build them of small photographs, takes none of it.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import UInt8

_TALL = 2
"""Pillow 13 goes over the columns first where a picture is taller than this times its width, and
rounds in between; torch always goes over the rows first."""


def shrinks_alike(mode: str, *, width: int, height: int) -> bool:
    """Whether `shrink` gives what Pillow's bicubic gives, to a level or two.

    Args:
        mode: Of the Pillow image; transparency and ink are left to Pillow.
        width: Pixels.
        height: Pixels.
    """
    return mode in ("RGB", "L") and height <= _TALL * width


def decode_plain_jpeg(raw: bytes, *, gray: bool) -> UInt8[np.ndarray, "h w c"]:
    """Decodes a JPEG of three colors or of gray at its full size, to the very pixels of Pillow.

    Args:
        raw: The file's bytes.
        gray: Whether it has no colors.

    Returns:
        Red, green and blue, or gray, as it lies in the file: EXIF turns nothing.

    Raises:
        RuntimeError: It cannot be decoded.
    """
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg

    data = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    with warnings.catch_warnings():
        # torchvision 0.29 announces that TorchCodec replaces its decoders; until a release removes
        # them, this is the fastest decoder that brings no further dependency.
        warnings.filterwarnings("ignore", "The image decoding", DeprecationWarning)
        decoded = decode_jpeg(data, ImageReadMode.GRAY if gray else ImageReadMode.RGB)
    return np.asarray(decoded.permute(1, 2, 0).numpy())


def shrink(
    pixels: UInt8[np.ndarray, "h w c"], *, width: int, height: int
) -> UInt8[np.ndarray, "y x c"]:
    """Antialiased bicubic resize in whole numbers, the same on every processor.

    Args:
        pixels: Levels of 8 bits, in memory that may be written to.
        width: Pixels of the result.
        height: Pixels of the result.

    Returns:
        The resized picture.
    """
    import torch
    from torch.nn.functional import interpolate

    # In this order of axes torch sees that the channels lie together, and so leaves the result.
    picture = torch.from_numpy(pixels)[None].permute(0, 3, 1, 2)
    with _one_thread():
        resized = interpolate(picture, size=(height, width), mode="bicubic", antialias=True)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Builds run a process for each core already, and a second thread gains little in one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
