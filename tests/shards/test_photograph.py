"""Every kind of picture becomes an upright RGB JPEG without a trace of its camera."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from streetclip.errors import SampleError
from streetclip.shards.photograph import Encoded, encode_photograph

RED = (200, 20, 30)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def again(raw: bytes, max_side_px: int = 64) -> Encoded:
    return encode_photograph(raw, max_side_px=max_side_px, quality=95, max_pixels=1_000_000)


def pixels(encoded: Encoded) -> np.ndarray:
    image = Image.open(io.BytesIO(encoded.data))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    assert image.size == (encoded.width, encoded.height)
    return np.asarray(image).astype(int)


@pytest.mark.parametrize(
    ("raw", "color"),
    [
        (encode(Image.new("RGB", (48, 32), RED), "PNG"), RED),
        (encode(Image.new("L", (48, 32), 128), "JPEG"), (128, 128, 128)),
        (encode(Image.new("1", (48, 32), 1), "PNG"), (255, 255, 255)),
        (encode(Image.new("CMYK", (48, 32), (0, 255, 255, 0)), "JPEG"), (255, 0, 0)),
        (encode(Image.new("RGBA", (48, 32), (*RED, 255)), "PNG"), RED),
        (encode(Image.new("RGBA", (48, 32), (*RED, 0)), "WEBP"), (255, 255, 255)),
        (encode(Image.new("LA", (48, 32), (128, 255)), "PNG"), (128, 128, 128)),
        (encode(Image.new("RGB", (48, 32), RED).quantize(4), "GIF"), RED),
        (encode(Image.new("RGB", (48, 32), RED).quantize(4), "PNG"), RED),
        (encode(Image.fromarray(np.full((32, 48), 32896, np.uint16)), "PNG"), (128, 128, 128)),
        (encode(Image.fromarray(np.full((32, 48), 32896, np.uint16)), "TIFF"), (128, 128, 128)),
    ],
    ids=["rgb", "gray", "bilevel", "cmyk", "opaque", "clear", "gray-alpha", "gif", "palette",
         "png16", "tiff16"],
)  # fmt: skip
def test_every_mode_keeps_its_color(raw: bytes, color: tuple[int, int, int]) -> None:
    mean = pixels(again(raw)).reshape(-1, 3).mean(0)
    assert np.abs(mean - color).max() < 4


def test_the_first_picture_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (48, 32), color) for color in (RED, (0, 200, 0))]
    for kind in ("GIF", "WEBP"):
        raw = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(pixels(again(raw)).mean((0, 1)) - RED).max() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_exif_rotation_is_undone(orientation: int, kind: str) -> None:
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :24] = 255  # The brightest corner is the upper left one.
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    raw = encode(Image.fromarray(np.ascontiguousarray(turned)), kind, exif=exif)
    assert np.abs(pixels(again(raw)) - upright).mean() < 4


def test_the_longer_side_is_bounded_and_nothing_is_enlarged() -> None:
    wide = again(encode(Image.new("RGB", (400, 100), RED), "JPEG"))
    assert (wide.width, wide.height) == (64, 16)
    tall = again(encode(Image.new("RGB", (100, 300), RED), "PNG"))
    assert (tall.width, tall.height) == (21, 64)
    small = again(encode(Image.new("RGB", (40, 30), RED), "JPEG"))
    assert (small.width, small.height) == (40, 30)


def test_a_strip_that_training_would_refuse_once_it_is_small_is_refused() -> None:
    with pytest.raises(SampleError, match="image_too_small: 6 x 64"):
        again(encode(Image.new("RGB", (80, 900), RED), "PNG"))


def test_nothing_that_the_camera_wrote_stays() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SECRETMAKER"
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (48.0, 51.0, 24.0)}
    raw = encode(
        Image.new("RGB", (48, 32), RED),
        "JPEG",
        exif=exif,
        comment=b"SECRETCOMMENT",
        xmp=b"<x>SECRETXMP</x>",
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        dpi=(300, 300),
    )
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00SECRETIPTC"
    raw = raw[:2] + b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc + raw[2:]
    assert raw.count(b"SECRET") == 4
    done = again(raw).data
    assert b"SECRET" not in done
    image = Image.open(io.BytesIO(done))
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_color_profile_is_applied_before_it_is_dropped() -> None:
    # In the XYZ space of the profile connection a middle gray is not what it is in sRGB.
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    plain = pixels(again(encode(Image.new("RGB", (48, 32), RED), "JPEG")))
    broken = encode(Image.new("RGB", (48, 32), RED), "JPEG", icc_profile=b"nonsense" * 20)
    assert np.array_equal(pixels(again(broken)), plain)
    other = encode(Image.new("RGB", (48, 32), RED), "JPEG", icc_profile=lab)
    assert pixels(again(other)).shape == plain.shape


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises many pixels and holds none."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    return head + struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT"


GOOD = encode(Image.effect_noise((96, 64), 50).convert("RGB"), "JPEG")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "unreadable_image: empty file"),
        (b"<html>404</html>", "unreadable_image: no image"),
        (GOOD[: len(GOOD) // 2], "unreadable_image"),
        (bytes(2000), "unreadable_image"),
        (png_header(10_000, 10_000), "image_too_large"),
        (png_header(20_000, 10_000), "image_too_large"),
        (encode(Image.new("RGB", (1, 1)), "PNG"), "image_too_small: 1 x 1"),
        (encode(Image.new("F", (48, 32), 0.5), "TIFF"), "floating point"),
    ],
    ids=["empty", "html", "half", "zeros", "100MP", "200MP", "1x1", "float"],
)  # fmt: skip
def test_a_bad_picture_has_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(SampleError, match=reason):
        again(raw)


def test_a_png_that_calls_itself_jpg_is_a_picture() -> None:
    assert again(encode(Image.new("RGB", (48, 32), RED), "PNG")).width == 48
