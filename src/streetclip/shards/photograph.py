"""A photograph as it came becomes the JPEG of a shard: upright, RGB, small, without EXIF."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from functools import cache

from PIL import ExifTags, Image, ImageCms

from streetclip.errors import SampleError

# Pillow's decoders raise these on bytes that are not what they claim to be.
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
    struct.error,
    zlib.error,
)
MIN_SIDE_PX = 16
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A re-encoded photograph.

    Args:
        data: JPEG bytes.
        width: Pixels.
        height: Pixels.
    """

    data: bytes
    width: int
    height: int


def open_photograph(file: io.BytesIO, *, max_pixels: int) -> Image.Image:
    """Reads the header of a photograph and checks its size; no pixel is decoded yet.

    Args:
        file: The photograph's bytes in memory.
        max_pixels: Width times height, at most.

    Returns:
        The opened image.

    Raises:
        SampleError: ``unreadable_image``, ``image_too_large`` or ``image_too_small``.
    """
    try:
        with warnings.catch_warnings():
            # Our own limit comes next; Pillow's warning would be a second opinion about it.
            warnings.simplefilter("ignore")
            image = Image.open(file, formats=_formats())
    except Image.DecompressionBombError as error:
        raise SampleError("image_too_large", str(error)) from error
    except DECODE_ERRORS as error:
        detail = "empty file" if not file.seek(0, io.SEEK_END) else "not an image that can be read"
        raise SampleError("unreadable_image", detail) from error
    width, height = image.size
    if width * height > max_pixels:
        raise SampleError("image_too_large", f"{width} x {height} pixels, {max_pixels} allowed")
    if min(width, height) < MIN_SIDE_PX:
        raise SampleError("image_too_small", f"{width} x {height} pixels")
    return image


def encode_photograph(raw: bytes, *, max_side_px: int, quality: int, max_pixels: int) -> Encoded:
    """Decodes a photograph, turns it upright, makes it RGB and small, and encodes it anew.

    EXIF, XMP, IPTC, comments, color profile and thumbnails are left behind; a color profile is
    applied first. Of an animation the first picture is taken; what is transparent becomes white.

    Args:
        raw: The file's bytes, in any format that a camera or phone writes.
        max_side_px: The longer side is at most this; smaller photographs are not enlarged.
        quality: JPEG quality, 1 to 100.
        max_pixels: Width times height of the original, at most; checked before decoding.

    Returns:
        The JPEG and its size.

    Raises:
        SampleError: The photograph cannot be decoded or has an impossible size.
    """
    try:
        with warnings.catch_warnings():
            # Warnings about odd EXIF or TIFF tags concern what is dropped anyway.
            warnings.simplefilter("ignore")
            with open_photograph(io.BytesIO(raw), max_pixels=max_pixels) as image:
                upright = _upright_and_small(image, max_side_px)
                rgb = _to_rgb(upright, image.info.get("icc_profile"))
    except DECODE_ERRORS as error:
        detail = f"{type(error).__name__}: {str(error)[:200]}"
        raise SampleError("unreadable_image", detail) from error
    rgb.info = {}  # Pillow would write a comment found here into the new file.
    out = io.BytesIO()
    rgb.save(out, "JPEG", quality=quality)
    return Encoded(out.getvalue(), rgb.width, rgb.height)


@cache
def _formats() -> tuple[str, ...]:
    """Those of our formats that this Pillow was built with; it trips over the others."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _upright_and_small(image: Image.Image, max_side_px: int) -> Image.Image:
    turn = _turn(image)
    # A JPEG can be decoded at half, quarter or eighth size; twice the target keeps the detail.
    image.draft(None, (2 * max_side_px, 2 * max_side_px))
    image.load()
    image = _without_palette(image)
    scale = max_side_px / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return image if turn is None else image.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(int(image.getexif().get(ExifTags.Base.Orientation, 1)))
    except DECODE_ERRORS:
        return None  # Broken EXIF says nothing about the pixels, which may be whole.


def _without_palette(image: Image.Image) -> Image.Image:
    """Modes whose numbers are no brightness, or more than 8 bits of it, before any resizing."""
    if image.mode in ("P", "PA", "1") or "transparency" in image.info:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode.startswith("I") or image.mode == "F":
        return _sixteen_bits_to_eight(image)
    return image


def _sixteen_bits_to_eight(image: Image.Image) -> Image.Image:
    """Keeps the eight high bits; Pillow's own conversion clips everything above 255 to white."""
    if image.mode == "F":
        raise SampleError("unreadable_image", "floating point pixels have no known brightness")
    wide = image.convert("I")
    return wide.point(lambda value: value * (1 / 256) + 0, "L")


def _to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode in ("RGBA", "LA", "RGBa", "La", "PA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            return image.convert("RGB")  # A broken profile is as good as none.
        if converted is not None:
            return converted
    return image.convert("RGB")
