"""A photograph as it came becomes the JPEG of a shard: upright, RGB, small, without EXIF."""

import io
from dataclasses import dataclass

from streetclip.shards.picture import check_sides, open_photograph
from streetclip.shards.pixels import upright_rgb


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
        SampleError: The photograph cannot be decoded, has an impossible size, or is so narrow that
            training would refuse it once it is small.
    """
    with open_photograph(raw, max_pixels=max_pixels) as image:
        rgb = upright_rgb(image, raw, max_side_px=max_side_px)
    check_sides(rgb.width, rgb.height)
    rgb.info = {}  # Pillow would write a comment found here into the new file.
    out = io.BytesIO()
    rgb.save(out, "JPEG", quality=quality)
    return Encoded(out.getvalue(), rgb.width, rgb.height)
