"""Pictures are small, without metadata, and shown only where they are asked for."""

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from streetclip.errors import SampleError
from streetclip.evaluation.result import Result
from streetclip.report.answers import Answers
from streetclip.report.gallery import MAX_BYTES, SIDE_PX, gallery, random_rows, thumbnail


def photograph(width: int = 640, height: int = 400, *, noise: float = 40.0) -> bytes:
    rng = np.random.default_rng(0)
    pixels = (128 + rng.normal(0, noise, (height, width, 3))).clip(0, 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    data = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(
        data, "JPEG", quality=95, exif=exif, icc_profile=profile, comment=b"secret comment"
    )
    return data.getvalue()


def decode(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return base64.b64decode(body)


def test_a_thumbnail_is_small_and_has_no_metadata() -> None:
    raw = photograph()
    assert b"secret place" in raw
    small = thumbnail(raw)
    data = decode(small.uri)
    assert b"secret" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (small.width, small.height) == (SIDE_PX, 150)
        assert not image.getexif()
        assert "icc_profile" not in image.info
        assert "comment" not in image.info


def test_the_noisiest_picture_stays_under_the_limit() -> None:
    assert len(decode(thumbnail(photograph(noise=400.0)).uri)) <= MAX_BYTES


def test_a_small_picture_is_not_enlarged() -> None:
    small = thumbnail(photograph(60, 40))
    assert (small.width, small.height) == (60, 40)


def test_what_is_no_picture_is_named() -> None:
    with pytest.raises(SampleError, match="unreadable_image"):
        thumbnail(b"no picture")


def test_without_a_source_there_are_no_pictures(make_result: Callable[..., Result]) -> None:
    shown = gallery(Answers(make_result(4).predictions), [3, 1], picture=None)
    assert [one.key for one in shown] == ["000003_a", "000001_a"]
    assert [one.number for one in shown] == [1, 2]
    assert all(one.thumbnail is None for one in shown)
    assert shown[0].predicted == "Somewhere, Germany"
    assert shown[0].true == "France"


def test_lost_and_damaged_pictures_are_told(make_result: Callable[..., Result]) -> None:
    raw = photograph()
    sources = {"000000_a": raw, "000001_a": None, "000002_a": raw[:500]}
    shown = gallery(Answers(make_result(3).predictions), range(3), picture=sources.__getitem__)
    whole, lost, cut = (one.thumbnail for one in shown)
    assert whole is not None
    assert lost is not None
    assert cut is not None
    assert (bool(whole.uri), whole.problem) == (True, "")
    assert (lost.uri, lost.problem) == ("", "not at hand")
    assert cut.uri == ""
    assert "image" in cut.problem


def test_random_photographs_are_drawn_once_and_the_same_with_the_same_seed() -> None:
    first = random_rows(1000, 20, seed=1)
    assert len(set(first)) == 20
    assert first == random_rows(1000, 20, seed=1) != random_rows(1000, 20, seed=2)
    assert random_rows(3, 20, seed=1) == [0, 1, 2]
    assert random_rows(0, 20, seed=1) == []
