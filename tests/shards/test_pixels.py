"""Every kind of picture shows the same scene."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.badthings.images import HANDLED, BadImage
from tests.badthings.scene import encoded, scene, seen_colors

from streetclip.errors import SampleError
from streetclip.shards.picture import open_photograph
from streetclip.shards.pixels import check_whole, upright_rgb


@pytest.mark.parametrize("max_side_px", [None, 48])
@pytest.mark.parametrize("odd", HANDLED, ids=lambda odd: odd.name)
def test_odd_pictures_show_the_right_colors_upright(odd: BadImage, max_side_px: int | None) -> None:
    with open_photograph(odd.raw) as opened:
        image = upright_rgb(opened, odd.raw, max_side_px=max_side_px)
    assert (image.mode, image.size) == ("RGB", (48, 32) if max_side_px else (96, 64))
    assert np.abs(seen_colors(np.asarray(image)) - np.array(odd.colors)).max() <= odd.tolerance


def test_a_flipped_bit_of_a_png_is_found_although_its_pixels_decode() -> None:
    raw = bytearray(encoded(Image.effect_noise((64, 64), 50), "PNG"))
    raw[len(raw) // 2] ^= 1
    with (
        pytest.raises(SampleError, match="unreadable_image"),
        open_photograph(bytes(raw)) as opened,
    ):
        upright_rgb(opened, bytes(raw))


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=str)
def test_a_cut_photograph_is_found_although_it_is_decoded_at_a_part_of_its_size(
    options: dict[str, Any],
) -> None:
    raw = encoded(Image.effect_noise((1024, 768), 60).convert("RGB"), **options)
    for data in (raw, raw[: len(raw) * 2 // 3] + b"\xff\xd9"):
        with open_photograph(data) as opened:
            if data is raw:
                assert upright_rgb(opened, data, max_side_px=64).size == (64, 48)
            else:
                with pytest.raises(SampleError, match="image_cut_short"):
                    upright_rgb(opened, data, max_side_px=64)


def test_a_whole_jpeg_with_a_gray_corner_is_taken() -> None:
    picture = scene()
    picture.paste((128, 128, 128), (48, 32, 96, 64))
    raw = encoded(picture)
    check_whole(raw)
    with Image.open(io.BytesIO(raw)) as opened:
        assert upright_rgb(opened, raw).getpixel((95, 63)) == (128, 128, 128)
