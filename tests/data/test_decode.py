import io

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, v2

from streetclip.data.decode import center_crop, decode_image, random_crop
from streetclip.errors import SampleError


def gradient(height: int = 48, width: int = 64) -> np.ndarray:
    """Red grows to the right, green downwards, blue is constant."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, 90)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 95} if kind == "JPEG" else {}) | options)
    return buffer.getvalue()


def pixels(image: torch.Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).numpy().astype(int)


JPEG = encoded(Image.fromarray(gradient()))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_photographs_decode_to_their_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode_image(encoded(Image.fromarray(gradient()), kind, **options))
    assert image.dtype == torch.uint8
    assert image.shape == (3, 48, 64)
    # JPEG halves the resolution of color.
    assert np.abs(pixels(image) - gradient()).max() <= (24 if kind == "JPEG" else 0)


def test_gray_becomes_three_equal_channels() -> None:
    gray = Image.fromarray(gradient()[..., 0])
    for raw in (encoded(gray), encoded(gray, "PNG")):
        image = decode_image(raw)
        assert (image[0] == image[1]).all()
        assert (image[0] == image[2]).all()


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "1"])
def test_other_modes_become_color(mode: str) -> None:
    picture = Image.fromarray(gradient()).convert(mode)
    assert decode_image(encoded(picture, "PNG")).shape == (3, 48, 64)


def test_cmyk_jpeg_keeps_its_colors() -> None:
    picture = Image.fromarray(gradient()).convert("CMYK")
    assert np.abs(pixels(decode_image(encoded(picture))) - gradient()).mean() < 8


def test_sixteen_bit_png_does_not_turn_white() -> None:
    values = (gradient()[..., 0].astype(np.uint16)) * 257
    image = decode_image(encoded(Image.fromarray(values), "PNG"))
    assert (image[0].numpy() == gradient()[..., 0]).all()


def test_animations_give_their_first_frame() -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    raw = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixels(decode_image(raw))[10, 10].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_rotation_is_applied(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right side of the stored picture
    stored = Image.fromarray(gradient()).rotate(90, expand=True)
    image = decode_image(encoded(stored, kind, exif=exif))
    assert image.shape == (3, 48, 64)
    assert np.abs(pixels(image) - gradient()).max() <= 24


@pytest.mark.parametrize(
    "raw",
    [
        JPEG[: len(JPEG) // 2],
        JPEG[:-2],
        b"",
        b"<html><body>404</body></html>",
        encoded(Image.fromarray(gradient()), "PNG")[:100],
        b"\x89PNG\r\n\x1a\n" + bytes(100),
    ],
    ids=["half", "two-bytes-less", "empty", "html", "half-png", "png-of-zeros"],
)
def test_broken_files_are_named_unreadable(raw: bytes) -> None:
    with pytest.raises(SampleError, match="unreadable_image"):
        decode_image(raw)


def test_floating_point_pixels_are_named_unreadable() -> None:
    raw = encoded(Image.fromarray(gradient()[..., 0].astype(np.float32)), "TIFF")
    with pytest.raises(SampleError, match="floating point"):
        decode_image(raw)


@pytest.mark.parametrize("side", [10_000, 15_000])
def test_huge_photographs_are_refused_before_they_are_decoded(side: int) -> None:
    raw = encoded(Image.new("1", (side, side)), "PNG")
    with pytest.raises(SampleError, match="image_too_large"):
        decode_image(raw)


def test_tiny_photographs_are_refused() -> None:
    with pytest.raises(SampleError, match="image_too_small: 1 x 1"):
        decode_image(encoded(Image.new("RGB", (1, 1))))


@pytest.mark.parametrize(("height", "width"), [(33, 77), (77, 33), (48, 48), (10, 9), (224, 30)])
def test_the_center_crop_is_that_of_resize_and_crop(height: int, width: int) -> None:
    image = torch.from_numpy(gradient(height, width)).permute(2, 0, 1)
    resize = v2.Resize(32, InterpolationMode.BICUBIC, antialias=True)
    expected = v2.CenterCrop(32)(resize(image))
    assert (center_crop(image, height=32, width=32) == expected).all()


@pytest.mark.parametrize(("height", "width"), [(16, 48), (48, 16)])
def test_the_center_crop_suits_models_that_are_not_square(height: int, width: int) -> None:
    image = torch.from_numpy(gradient(50, 60)).permute(2, 0, 1)
    crop = center_crop(image, height=height, width=width)
    assert crop.shape == (3, height, width)
    middle = pixels(crop)[height // 2, width // 2]
    assert np.abs(middle - np.array([127, 127, 90])).max() <= 6


def test_random_crops_keep_their_share_and_follow_their_generator() -> None:
    image = torch.from_numpy(gradient(100, 130)).permute(2, 0, 1)

    def crop(seed: int) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        return random_crop(image, rng, height=32, width=32, scale_min=0.5)

    assert (crop(1) == crop(1)).all()
    assert len({crop(seed).numpy().tobytes() for seed in range(10)}) == 10
    for seed in range(30):
        rows = pixels(crop(seed))
        # How much of the gradient a crop spans is how much of the photograph it keeps.
        across = (rows[16, -1, 0] - rows[16, 0, 0]) / 255 * 32 / 31
        down = (rows[-1, 16, 1] - rows[0, 16, 1]) / 255 * 32 / 31
        assert across * down >= 0.45


def test_without_a_share_to_cut_the_crop_is_the_middle() -> None:
    image = torch.from_numpy(gradient(40, 60)).permute(2, 0, 1)
    crop = random_crop(image, np.random.default_rng(0), height=24, width=24, scale_min=1.0)
    assert (crop == center_crop(image, height=24, width=24)).all()


def test_half_of_the_photographs_are_mirrored_only_on_demand() -> None:
    image = torch.from_numpy(gradient()).permute(2, 0, 1)

    def mirrored(seed: int, *, flip: bool) -> bool:
        rng = np.random.default_rng(seed)
        crop = random_crop(image, rng, height=32, width=32, scale_min=0.9, flip=flip)
        return bool(crop[0, 16, 0] > crop[0, 16, -1])

    assert not any(mirrored(seed, flip=False) for seed in range(20))
    assert 20 < sum(mirrored(seed, flip=True) for seed in range(80)) < 60
