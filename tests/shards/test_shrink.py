"""Smaller pictures are those of Pillow's bicubic, to a level or two."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from streetclip.shards.shrink import decode_plain_jpeg, shrink, shrinks_alike


def street(width: int, height: int, channels: int) -> np.ndarray:
    rng = np.random.default_rng(width)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=float)
    noisy = pixels + rng.normal(0, 9, pixels.shape)
    return np.ascontiguousarray(noisy.clip(0, 255).astype(np.uint8)[:, :, :channels])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("before", "after"),
    [((320, 240), (160, 120)), ((301, 217), (97, 70)), ((150, 290), (131, 253))],
)
def test_pixels_are_those_of_pillow(
    before: tuple[int, int], after: tuple[int, int], channels: int
) -> None:
    pixels = street(*before, channels)
    assert shrinks_alike("RGB" if channels == 3 else "L", width=before[0], height=before[1])
    picture = Image.fromarray(pixels if channels == 3 else pixels[:, :, 0])
    expected = np.asarray(picture.resize(after, Image.Resampling.BICUBIC), dtype=int)
    threads = torch.get_num_threads()
    made = shrink(pixels, width=after[0], height=after[1])
    assert torch.get_num_threads() == threads
    assert made.shape == (after[1], after[0], channels)
    assert made.dtype == np.uint8
    difference = np.abs(made.reshape(expected.shape) - expected)
    assert difference.max() <= 2
    assert difference.mean() <= 0.01


@pytest.mark.parametrize("gray", [False, True])
def test_a_jpeg_decodes_to_the_pixels_of_pillow(gray: bool) -> None:
    out = io.BytesIO()
    pixels = street(120, 90, 3)
    Image.fromarray(pixels).convert("L" if gray else "RGB").save(out, "JPEG", quality=90)
    expected = np.asarray(Image.open(io.BytesIO(out.getvalue()))).reshape(90, 120, -1)
    assert np.array_equal(decode_plain_jpeg(out.getvalue(), gray=gray), expected)


def test_what_pillow_rounds_in_another_order_is_left_to_it() -> None:
    assert not shrinks_alike("RGB", width=100, height=201)
    assert not shrinks_alike("CMYK", width=100, height=100)
