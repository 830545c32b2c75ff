"""The pixels of an opened picture, whatever kind it is: upright, RGB, 8 bits."""

import io

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile

from streetclip.errors import SampleError
from streetclip.shards.jpeg import MID_GRAY, ends_early, lacks_scans
from streetclip.shards.picture import DECODE_ERRORS, decoding
from streetclip.shards.shrink import decode_plain_jpeg, shrink, shrinks_alike

_WIDEST_PIXEL = 65_535
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright_rgb(
    image: Image.Image, raw: bytes, *, max_side_px: int | None = None, quick: bool = False
) -> Image.Image:
    """Decodes an opened photograph, turns it upright, and makes it RGB of 8 bits.

    A color profile is applied. Of an animation the first picture is taken; what is transparent
    becomes white; of 16 bits the 8 high ones are kept.

    Args:
        image: From `open_photograph`.
        raw: The bytes it was opened from.
        max_side_px: The longer side is at most this; None leaves the size as it is.
        quick: Decode a large JPEG at a part of its size, which gives other pixels: for what people
            or hashes look at. Otherwise the pixels are those of Pillow's bicubic from full size.

    Returns:
        A new image without EXIF.

    Raises:
        SampleError: ``unreadable_image`` or ``image_cut_short``.
    """
    with decoding():
        profile = image.info.get("icc_profile")
        turn = _turn(image)
        if quick or max_side_px is None:
            image = _drafted(image, raw, max_side_px)
        else:
            image = _shrunk(image, raw, max_side_px)
        if turn is not None:
            image = image.transpose(turn)
        return _to_rgb(image, profile)


def check_whole(raw: bytes) -> None:
    """Refuses a JPEG whose data end before its picture does; decodes it twice to find out.

    Args:
        raw: The bytes of a JPEG.

    Raises:
        SampleError: ``image_cut_short``.
    """
    if ends_early(raw):
        raise SampleError("image_cut_short", "the data end before the picture does")


def check_scans(raw: bytes) -> None:
    """Refuses a JPEG that has lost scans; looks at its markers only.

    Args:
        raw: The bytes of a JPEG.

    Raises:
        SampleError: ``image_cut_short``.
    """
    if lacks_scans(raw):
        raise SampleError("image_cut_short", "scans of the picture are missing")


def _check_png(raw: bytes) -> None:
    """Compares the checksums of a PNG, which Pillow does not do when it decodes the pixels."""
    with Image.open(io.BytesIO(raw), formats=("PNG",)) as image:
        image.verify()


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(int(image.getexif().get(ExifTags.Base.Orientation, 1)))
    except DECODE_ERRORS:
        return None  # Broken EXIF says nothing about the pixels, which may be whole.


def _drafted(image: Image.Image, raw: bytes, max_side_px: int | None) -> Image.Image:
    if max_side_px is not None:
        # A JPEG can be decoded at half, quarter or eighth size; twice the target keeps detail.
        image.draft(None, (2 * max_side_px, 2 * max_side_px))
    image = _loaded(image, raw)
    size = image.size if max_side_px is None else _size_at_most(image.size, max_side_px)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def _shrunk(image: Image.Image, raw: bytes, max_side_px: int) -> Image.Image:
    """From full size; pictures that are small enough keep every pixel of Pillow's decoder."""
    (width, height), size = image.size, _size_at_most(image.size, max_side_px)
    if size == image.size:
        return _loaded(image, raw)
    if image.format == "JPEG" and shrinks_alike(image.mode, width=width, height=height):
        pixels = decode_plain_jpeg(raw, gray=image.mode == "L")
        if image.info.get("progressive") or (pixels[-1, -1] == MID_GRAY).all():
            check_whole(raw)
    else:
        image = _loaded(image, raw)
        if not shrinks_alike(image.mode, width=width, height=height):
            return image.resize(size, Image.Resampling.BICUBIC)
        pixels = np.array(image).reshape(height, width, -1)
    small = shrink(pixels, width=size[0], height=size[1])
    return Image.fromarray(small[:, :, 0] if image.mode == "L" else small)


def _loaded(image: Image.Image, raw: bytes) -> Image.Image:
    """Decoded by Pillow, found to be whole, and of 8 bits."""
    image.load()
    if image.format in ("JPEG", "MPO") and _may_be_cut(image):
        check_whole(raw)
    elif image.format == "PNG":
        _check_png(raw)
    return _eight_bits(image)


def _may_be_cut(image: Image.Image) -> bool:
    """Whether a JPEG ends in the gray that its decoder leaves where data are missing.

    A progressive one is only blurred there, and CMYK has no gray of its own.
    """
    if image.mode not in ("RGB", "L") or image.info.get("progressive"):
        return True
    corner = image.getpixel((image.width - 1, image.height - 1))
    return corner in (MID_GRAY, (MID_GRAY,) * 3)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Modes whose numbers are no brightness, or more than 8 bits of it, before any resizing."""
    if image.mode in ("P", "PA", "1") or "transparency" in image.info:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "F":
        raise SampleError("unreadable_image", "floating point pixels have no known brightness")
    if image.mode.startswith("I"):
        wide = image.convert("I")
        values = np.asarray(wide)
        if values.min() < 0 or values.max() > _WIDEST_PIXEL:
            raise SampleError("unreadable_image", "pixels have more than 16 bits")
        # Pillow's own conversion clips everything above 255 to white.
        return wide.point(lambda value: value * (1 / 256) + 0, "L")
    return image


def _size_at_most(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    scale = min(1.0, max_side_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


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
    # What was resized is an image of its own already.
    fresh = image.mode == "RGB" and not isinstance(image, ImageFile.ImageFile)
    return image if fresh else image.convert("RGB")
