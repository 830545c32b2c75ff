"""Image files that are broken, odd, or an attack, and what has to become of each.

`BAD_IMAGES` lists them. All are made here and small, the same for the same version of Pillow.
"""

import pickle
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from tests.badthings.scene import (
    BLUE,
    COLORS,
    GREEN,
    HEIGHT,
    RED,
    WIDTH,
    YELLOW,
    Colors,
    brightness,
    encoded,
    grays,
    scene,
)

WHITE = (255, 255, 255)
LEVELS = (20, 90, 160, 240)


@dataclass(frozen=True)
class BadImage:
    """One image file.

    Args:
        name: What it is, as an id of a test.
        raw: Its bytes.
        reason: The code with which the builder, `verify` and training refuse it; None where all of
            them use it.
        colors: Where it is used: upper left, upper right, lower left, lower right, within
            `tolerance`.
        index_reason: The code with which the index of a tar refuses it: what the header shows.
        training_takes_it: Training uses it although `verify` names it, as documented.
        tolerance: Of each color value.
    """

    name: str
    raw: bytes
    reason: str | None = None
    colors: Colors = COLORS
    index_reason: str | None = None
    training_takes_it: bool = False
    tolerance: int = 16

    @property
    def training_reason(self) -> str | None:
        """The code with which training refuses it."""
        return None if self.training_takes_it else self.reason


def _refused(name: str, raw: bytes, reason: str = "unreadable_image") -> BadImage:
    """An image whose header already shows that it cannot be used."""
    return BadImage(name, raw, reason, index_reason=reason)


def _rotated(orientation: int, kind: str) -> bytes:
    """The scene as a turned camera stores it, with the EXIF field that says so."""
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
            8: Image.Transpose.ROTATE_270, 5: Image.Transpose.TRANSPOSE}  # fmt: skip
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(scene().transpose(back[orientation]), kind, exif=exif)


def _animated(kind: str) -> bytes:
    other = scene((YELLOW, BLUE, GREEN, RED))
    return encoded(scene(), kind, save_all=True, append_images=[other], duration=100)


def _levels(factor: int, dtype: type[np.generic]) -> Image.Image:
    gray = np.asarray(scene(grays(LEVELS)).convert("L")).astype(dtype)
    return Image.fromarray(gray * factor)


def _clear_corner() -> Image.Image:
    """The last quarter is transparent, and red underneath."""
    image = scene((RED, GREEN, BLUE, RED)).convert("RGBA")
    image.paste((*RED, 0), (WIDTH // 2, HEIGHT // 2, WIDTH, HEIGHT))
    return image


def _clear_palette() -> bytes:
    """Of four palette entries the last is transparent."""
    image = scene((RED, GREEN, BLUE, YELLOW)).quantize(4)
    clear = image.getpixel((WIDTH - 1, HEIGHT - 1))
    return encoded(image, "PNG", transparency=clear)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises pixels and holds none."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


def _with_comment_bomb() -> bytes:
    """A PNG whose compressed comment unpacks to a thousand times its size."""
    bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2_000_000), 9))
    raw = encoded(scene(), "PNG")
    return raw[:33] + bomb + raw[33:]


def _flipped(raw: bytes, position: int) -> bytes:
    return raw[:position] + bytes([raw[position] ^ 0x55]) + raw[position + 1 :]


def _half(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


class _Bomb:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (Path("unpickled"),)


_PHOTO = Image.effect_noise((WIDTH, HEIGHT), 60)  # Noise has enough data to be cut anywhere.
_NOISE = encoded(Image.merge("RGB", (_PHOTO,) * 3))
_PROGRESSIVE = encoded(Image.merge("RGB", (_PHOTO,) * 3), progressive=True)
_JPEG = encoded(scene())
_PNG = encoded(scene(), "PNG")
_END = b"\xff\xd9"

HANDLED = (
    BadImage("png-16-bit", encoded(_levels(257, np.uint16), "PNG"), colors=grays(LEVELS)),
    BadImage("tiff-16-bit", encoded(_levels(257, np.uint16), "TIFF"), colors=grays(LEVELS)),
    BadImage("cmyk-jpeg", encoded(scene().convert("CMYK"))),
    BadImage("gray-jpeg", encoded(scene().convert("L")), colors=brightness()),
    BadImage("gray-alpha-png", encoded(scene().convert("LA"), "PNG"), colors=brightness()),
    BadImage("rgba-png", encoded(_clear_corner(), "PNG"), colors=(RED, GREEN, BLUE, WHITE)),
    BadImage("palette-png", encoded(scene().quantize(4), "PNG")),
    BadImage("clear-palette-png", _clear_palette(), colors=(RED, GREEN, BLUE, WHITE)),
    BadImage(
        "bilevel-png",
        encoded(scene(grays((0, 255, 255, 0))).convert("1"), "PNG"),
        colors=grays((0, 255, 255, 0)),
    ),
    BadImage("png-named-jpg", _PNG),
    BadImage("bmp-named-jpg", encoded(scene(), "BMP")),
    BadImage("animated-gif", _animated("GIF")),
    BadImage("animated-webp", _animated("WEBP"), tolerance=24),
    BadImage("animated-png", _animated("PNG")),
    BadImage("two-pictures-in-one-jpeg", _animated("MPO")),
    BadImage("turned-jpeg-3", _rotated(3, "JPEG")),
    BadImage("turned-jpeg-6", _rotated(6, "JPEG")),
    BadImage("turned-jpeg-8", _rotated(8, "JPEG")),
    BadImage("mirrored-jpeg-5", _rotated(5, "JPEG")),
    BadImage("turned-png-6", _rotated(6, "PNG")),
    BadImage("progressive-jpeg", encoded(scene(), progressive=True)),
    BadImage("garbage-after-jpeg", _JPEG + b"garbage" * 50),
    BadImage("broken-profile", encoded(scene(), icc_profile=b"nonsense" * 20)),
    BadImage("broken-exif", encoded(scene(), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")),
    BadImage("png-without-end", _PNG[:-2]),
)
"""Odd, but every place must show the right picture."""

REFUSED = (
    BadImage("half-jpeg", _half(_NOISE), "unreadable_image"),
    BadImage("jpeg-without-end", _NOISE[:-2], "unreadable_image"),
    BadImage("half-jpeg-with-new-end", _half(_NOISE) + _END, "image_cut_short"),
    BadImage(
        "half-jpeg-with-two-ends",
        _half(_NOISE) + _END + b"a trailer" + _END,
        "image_cut_short",
    ),
    BadImage("half-progressive-with-new-end", _half(_PROGRESSIVE) + _END, "image_cut_short"),
    BadImage(
        "half-progressive-filled-with-zeros",
        _half(_PROGRESSIVE) + bytes(len(_PROGRESSIVE) // 2) + _END,
        "image_cut_short",
    ),
    BadImage(
        "progressive-cut-in-its-last-scan",
        _PROGRESSIVE[: len(_PROGRESSIVE) * 19 // 20] + _END,
        "image_cut_short",
        grays((128, 128, 128, 128)),
        training_takes_it=True,
        tolerance=128,
    ),
    BadImage("half-png", _half(_PNG), "unreadable_image"),
    BadImage("flipped-png", _flipped(_PNG, len(_PNG) // 2), "unreadable_image"),
    BadImage("half-gif", encoded(_PHOTO, "GIF")[:2500], "unreadable_image"),
    BadImage("zero-bytes", b"", "unreadable_image", index_reason="bad_image_size"),
    _refused("html-page", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    _refused("zeros", bytes(4000)),
    _refused("jpeg-of-two-bytes", b"\xff\xd8"),
    _refused("png-of-zeros", b"\x89PNG\r\n\x1a\n" + bytes(400)),
    _refused("postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 64\n%%EndComments\n"),
    _refused("vector-image", b'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="64"/>'),
    _refused("pickle", pickle.dumps(_Bomb())),
    _refused("promises-100-megapixels", png_header(10_000, 10_000), "image_too_large"),
    _refused("promises-200-megapixels", png_header(20_000, 10_000), "image_too_large"),
    _refused(
        "has-100-megapixels", encoded(Image.new("1", (10_000, 10_000)), "PNG"), "image_too_large"
    ),
    _refused("1-x-1", encoded(Image.new("RGB", (1, 1)), "PNG"), "image_too_small"),
    _refused("15-x-400", encoded(Image.new("RGB", (15, 400))), "image_too_small"),
    _refused("16-x-2000", encoded(Image.new("RGB", (16, 2000))), "image_too_narrow"),
    BadImage("float-tiff", encoded(_levels(1, np.float32), "TIFF"), "unreadable_image"),
    BadImage("tiff-32-bit", encoded(_levels(1 << 20, np.int32), "TIFF"), "unreadable_image"),
    _refused("comment-bomb", _with_comment_bomb()),
)
"""Refused in every place, with one exception that says so."""

BAD_IMAGES = HANDLED + REFUSED
