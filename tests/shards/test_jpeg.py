"""A JPEG that lost its end is told from a whole one, whatever its coding."""

import io

import numpy as np
import pytest
from PIL import Image

from streetclip.shards.jpeg import MID_GRAY, ends_early

CODINGS: list[dict[str, object]] = [
    {},
    {"progressive": True},
    {"optimize": True},
    {"restart_marker_blocks": 4},
    {"subsampling": 0},
]


def photograph(mode: str, **options: object) -> bytes:
    noise = np.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((160, 120), Image.Resampling.BICUBIC).convert(mode)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90, **options)
    return out.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", CODINGS, ids=str)
def test_only_a_cut_picture_ends_early(mode: str, options: dict[str, object]) -> None:
    whole = photograph(mode, **options)
    assert not ends_early(whole)
    assert not ends_early(whole + b"garbage" * 30)
    # Of a progressive picture the first scans alone are a whole picture of less detail.
    for share in (0.6, 0.8, 0.95) if "progressive" in options else (0.3, 0.6, 0.95):
        assert ends_early(whole[: int(len(whole) * share)] + b"\xff\xd9"), share


def test_missing_data_leave_the_gray_that_others_look_for() -> None:
    whole = photograph("RGB")
    with Image.open(io.BytesIO(whole[: len(whole) // 2] + b"\xff\xd9")) as image:
        pixels = np.asarray(image)
    assert (pixels[-16:] == MID_GRAY).all()


def test_bytes_that_are_no_jpeg_do_not_end_early() -> None:
    assert not ends_early(b"")
    assert not ends_early(b"no JPEG \xff\xd9")
