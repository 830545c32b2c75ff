"""A JPEG that lost its end is told from a whole one, whatever its coding."""

import io

import numpy as np
import pytest
from PIL import Image

from streetclip.shards.jpeg import MID_GRAY, ends_early, lacks_scans

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


TRAILERS = (
    b"",
    b"garbage" * 30,
    b"garbage\xff\xd9more",
    b"\xff\xd9" * 3,
    photograph("L"),
    b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00data\xff\xd9",
)


@pytest.mark.parametrize("trailer", TRAILERS, ids=range(len(TRAILERS)))
@pytest.mark.parametrize("options", CODINGS, ids=str)
def test_what_follows_the_end_of_a_picture_says_nothing(
    options: dict[str, object], trailer: bytes
) -> None:
    whole = photograph("RGB", **options)
    half = whole[: len(whole) // 2] + b"\xff\xd9"
    assert not ends_early(whole + trailer)
    assert ends_early(half + trailer)


@pytest.mark.parametrize("segment", [b"\xff\xfe\x00\x05odd", b"\xff\xff\xe4\x00\x04\xff\xd9"])
def test_a_segment_between_the_data_and_the_end_mark_hides_nothing(segment: bytes) -> None:
    whole = photograph("RGB")
    assert not ends_early(whole[:-2] + segment + b"\xff\xd9")
    assert ends_early(whole[: len(whole) // 2] + segment + b"\xff\xd9")


def test_an_end_mark_inside_a_segment_ends_nothing() -> None:
    whole = photograph("RGB", comment=b"a comment\xff\xd9\xff\xda\x00\x08 with marks")
    assert not ends_early(whole)
    assert ends_early(whole[: len(whole) // 2] + b"\xff\xd9")


def scans_of(raw: bytes) -> list[int]:
    """Where the scans of a small picture without other marks in its data begin."""
    return [at for at in range(len(raw)) if raw[at : at + 2] == b"\xff\xda"]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_progressive_picture_that_lost_scans_is_cut_however_it_was_filled(mode: str) -> None:
    whole = photograph(mode, progressive=True)
    assert not lacks_scans(whole)
    assert len(scans_of(whole)) > 5
    for number in range(1, len(scans_of(whole))):
        # The tables of a scan stand before it, so that this is a cut between two scans.
        cut = whole[: whole.rindex(b"\xff\xc4", 0, scans_of(whole)[number])]
        assert lacks_scans(cut + b"\xff\xd9"), number
        assert ends_early(cut + b"\xff\xd9"), number
    half = len(whole) // 2
    filled = whole[:half] + bytes(len(whole) - half) + b"\xff\xd9"
    assert lacks_scans(filled)
    assert ends_early(filled)
    assert not lacks_scans(whole + filled)


def test_a_picture_with_a_scan_for_each_component_must_have_all_of_them() -> None:
    header = b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x10\x00\x10\x03\x01\x11\0\x02\x11\0\x03\x11\0"
    scans = [b"\xff\xda\x00\x08\x01" + bytes([n]) + b"\0\0\x3f\0data" for n in (1, 2, 3)]
    assert not lacks_scans(header + b"".join(scans) + b"\xff\xd9")
    assert lacks_scans(header + b"".join(scans[:2]) + b"\xff\xd9" + scans[2])


@pytest.mark.parametrize(
    "raw", [b"\xff\xda", b"\xff\xc2\x00\x08", b"\xff\xda\x00\x03\x09", b"\xff"]
)
def test_half_segments_are_walked_over(raw: bytes) -> None:
    lacks_scans(raw)
    lacks_scans(b"\xff\xd8" + raw + b"\xff\xd9")
