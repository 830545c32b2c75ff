import io

import numpy as np
import pytest
import torch
from PIL import Image
from tests.badthings.images import BAD_IMAGES, BadImage
from tests.badthings.scene import seen_colors
from torchvision.transforms import InterpolationMode, v2

from streetclip.data import decode
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


@pytest.mark.parametrize("bad", BAD_IMAGES, ids=lambda bad: bad.name)
def test_odd_photographs_show_the_right_colors_and_broken_ones_have_a_reason(bad: BadImage) -> None:
    if bad.training_reason is not None:
        with pytest.raises(SampleError, match=f"^{bad.training_reason}: "):
            decode_image(bad.raw)
        return
    image = decode_image(bad.raw)
    assert image.shape == (3, 64, 96)
    assert np.abs(seen_colors(pixels(image)) - np.array(bad.colors)).max() <= bad.tolerance


def test_sixteen_bits_keep_their_order_of_brightness() -> None:
    values = (gradient()[..., 0].astype(np.uint16)) * 257
    image = decode_image(encoded(Image.fromarray(values), "PNG"))
    assert (image[0].numpy() == gradient()[..., 0]).all()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_cut_jpeg_with_a_new_end_mark_is_refused_however_it_is_turned(
    share: float, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    raw = encoded(Image.fromarray(noise), exif=exif)
    with pytest.raises(SampleError, match="image_cut_short"):
        decode_image(raw[: int(len(raw) * share)] + b"\xff\xd9")
    assert decode_image(raw).numel() == noise.size


def test_a_whole_jpeg_with_a_gray_corner_is_taken() -> None:
    picture = Image.fromarray(gradient())
    picture.paste((128, 128, 128), (32, 16, 64, 48))
    assert decode_image(encoded(picture))[:, -1, -1].tolist() == [128, 128, 128]


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


def street(height: int, width: int, seed: int) -> Image.Image:
    """Smooth colors with fine noise, as a camera sees a street."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    noisy = smooth * 0.7 + rng.normal(40, 4, (height, width, 1))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [224, 336])
@pytest.mark.parametrize("shape", [(480, 640), (600, 450), (768, 1024), (300, 310)])
def test_pixels_are_those_of_pillow_decoded_in_full_and_resized_by_bicubic(
    shape: tuple[int, int], size: int
) -> None:
    raw = encoded(street(*shape, seed=sum(shape)), quality=90)
    image = decode_image(raw)
    with Image.open(io.BytesIO(raw)) as opened:
        reference = opened.convert("RGB")
    assert (pixels(image) == np.asarray(reference)).all()
    draws = np.random.default_rng(size).random((10, 4))
    box = decode._crop_box(image, draws, 1.0, 0.6)
    assert box is not None
    top, left, height, width = box
    part = reference.crop((left, top, left + width, top + height))
    bicubic = Image.Resampling.BICUBIC
    # Pillow 13 resizes some tall pictures in height first; width first was and is its usual order.
    expected = part.resize((size, part.height), bicubic).resize((size, size), bicubic)
    if part.width >= part.height:
        assert expected == part.resize((size, size), bicubic)
    rng = np.random.default_rng(size)
    ours = random_crop(image, rng, height=size, width=size, scale_min=0.6)
    off = np.abs(pixels(ours) - np.asarray(expected).astype(int))
    assert off.max() <= 2
    assert off.mean() <= 0.01


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
