"""Bytes become pixels: decode, crop and resize, all in uint8."""

import math
import warnings

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from streetclip.shards.jpeg import MID_GRAY
from streetclip.shards.picture import MAX_PIXELS, decoding, open_photograph
from streetclip.shards.pixels import check_scans, check_whole, upright_rgb

_ASPECT_JITTER = 4 / 3
_CROP_TRIES = 10


def decode_image(raw: bytes, *, max_pixels: int = MAX_PIXELS) -> UInt8[Tensor, "3 h w"]:
    """Decode a photograph upright and in color.

    JPEG goes through torchvision; every other kind, and CMYK JPEG, as in the builder of shards.
    The size is read from the header before any pixel is decoded.

    Args:
        raw: The bytes of the file.
        max_pixels: Larger photographs are refused.

    Returns:
        Red, green and blue, uint8 [3, h, w].

    Raises:
        SampleError: ``unreadable_image``, ``image_cut_short``, or the size is that of no photograph
            (``image_too_large``, ``image_too_small``, ``image_too_narrow``).
    """
    with open_photograph(raw, max_pixels=max_pixels) as picture:
        if picture.format == "JPEG" and picture.mode in ("RGB", "L"):
            if picture.info.get("progressive"):
                check_scans(raw)
            return _decode_jpeg(raw)
        pixels = np.array(upright_rgb(picture, raw))
    return torch.from_numpy(pixels).permute(2, 0, 1)


def random_crop(
    image: UInt8[Tensor, "3 h w"],
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    scale_min: float,
    flip: bool = False,
) -> UInt8[Tensor, "3 y x"]:
    """Cut out a random part that keeps most of the photograph, and resize it.

    The part has a share of `scale_min` to 1 of the area and an aspect ratio of 3:4 to 4:3 times the
    model's, as in open_clip's training; where ten such draws do not fit, it is the largest part of
    the model's shape in the middle. With `scale_min` 1 that is what `center_crop` gives.

    Args:
        image: uint8 [3, h, w].
        rng: Decides place, size and mirroring; 41 numbers are taken from it.
        height: Pixels of the result.
        width: Pixels of the result.
        scale_min: Smallest share of the area, above 0 to 1.
        flip: Mirror every other photograph.

    Returns:
        uint8 [3, height, width].
    """
    draws = rng.random((_CROP_TRIES, 4))
    mirrored = flip and rng.random() < 0.5
    box = None if scale_min >= 1 else _crop_box(image, draws, width / height, scale_min)
    if box is None:
        result = center_crop(image, height=height, width=width)
    else:
        result = F.resized_crop(
            image, *box, [height, width], interpolation=InterpolationMode.BICUBIC, antialias=True
        )
    final: Tensor = F.horizontal_flip(result) if mirrored else result
    return final


def center_crop(
    image: UInt8[Tensor, "3 h w"], *, height: int, width: int
) -> UInt8[Tensor, "3 y x"]:
    """Resize until the photograph just covers the shape, then cut out the middle.

    Args:
        image: uint8 [3, h, w].
        height: Pixels of the result.
        width: Pixels of the result.

    Returns:
        uint8 [3, height, width], the same for the same photograph.
    """
    old_height, old_width = image.shape[-2:]
    if old_height * width <= old_width * height:
        size = [height, max(width, int(old_width * height / old_height))]
    else:
        size = [max(height, int(old_height * width / old_width)), width]
    resized = F.resize(image, size, interpolation=InterpolationMode.BICUBIC, antialias=True)
    middle: Tensor = F.center_crop(resized, [height, width])
    return middle.contiguous()


def _decode_jpeg(raw: bytes) -> Tensor:
    data = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    with decoding():
        # torchvision 0.29 announces that TorchCodec replaces its decoders; until a release removes
        # them, this is the fastest decoder that brings no further dependency.
        warnings.filterwarnings("ignore", "The image decoding", DeprecationWarning)
        decoded: Tensor = decode_jpeg(data, ImageReadMode.RGB, apply_exif_orientation=True)
    if _has_gray_corner(decoded):
        check_whole(raw)
    return decoded


def _has_gray_corner(image: Tensor) -> bool:
    """Whether a corner has the gray that libjpeg leaves where data are missing.

    Any corner, because the picture may have been turned.
    """
    _, height, width = image.shape
    corners = image[:, :: height - 1, :: width - 1]
    return bool((corners == MID_GRAY).all(0).any())


def _crop_box(
    image: Tensor, draws: np.ndarray, aspect: float, scale_min: float
) -> tuple[int, int, int, int] | None:
    """Top, left, height and width of the first draw that fits."""
    old_height, old_width = image.shape[-2:]
    for share, shape, down, right in draws.tolist():
        area = old_height * old_width * (scale_min + share * (1 - scale_min))
        ratio = aspect * math.exp((2 * shape - 1) * math.log(_ASPECT_JITTER))
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < width <= old_width and 0 < height <= old_height:
            top = int(down * (old_height - height + 1))
            left = int(right * (old_width - width + 1))
            return top, left, height, width
    return None
