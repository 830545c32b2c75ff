"""EXIF as cameras write it, well and badly."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.badthings.images import BAD_IMAGES, BadImage

from streetclip.errors import SampleError
from streetclip.manifest.exif import ExifPlace, read_exif

MakePhoto = Callable[..., Path]


def test_degrees_minutes_seconds_and_hemisphere_become_signed_degrees(
    make_photo: MakePhoto, paris: dict[int, object]
) -> None:
    found = read_exif(make_photo("a.jpg", gps=paris, taken="2019:07:14 10:00:00"))
    assert found == ExifPlace(48 + 51 / 60 + 24 / 3600, -(2 + 21 / 60), 270.0, 7)


def test_the_southern_hemisphere_is_negative(
    make_photo: MakePhoto, paris: dict[int, object]
) -> None:
    latitude = read_exif(make_photo("a.jpg", gps=paris | {1: "S"})).latitude
    assert latitude == -(48 + 51 / 60 + 24 / 3600)


def test_a_photograph_without_gps_has_no_place(make_photo: MakePhoto) -> None:
    assert read_exif(make_photo("a.jpg")) == ExifPlace()


def test_the_day_of_the_gps_stands_in_for_a_camera_without_clock(
    make_photo: MakePhoto, paris: dict[int, object]
) -> None:
    gps = paris | {29: "2021:11:03"}
    assert read_exif(make_photo("a.jpg", gps=gps, taken="0000:00:00 00:00:00")).month == 11


@pytest.mark.parametrize(
    ("change", "message"),
    [({1: "X"}, "hemisphere 'X'"), ({1: ""}, "hemisphere ''"), ({2: ()}, None)],
)
def test_a_place_without_hemisphere_or_degrees_is_not_guessed(
    make_photo: MakePhoto, paris: dict[int, object], change: dict[int, object], message: str | None
) -> None:
    path = make_photo("a.jpg", gps=paris | change)
    if message is None:
        assert read_exif(path).latitude in (None, 0.0)
        return
    with pytest.raises(SampleError, match=message):
        read_exif(path)


@pytest.mark.parametrize("bad", BAD_IMAGES, ids=lambda bad: bad.name)
def test_no_picture_does_more_than_give_a_reason(bad: BadImage, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(bad.raw)
    reason = None
    try:
        found = read_exif(path)
    except SampleError as error:
        reason = error.reason
    else:
        assert found == ExifPlace()
    # What is compressed beside the pixels counts as a damaged block, not as a damaged picture.
    assert reason in {None, "bad_exif" if bad.name == "comment-bomb" else bad.reason}


def test_a_picture_of_100_megapixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(next(bad.raw for bad in BAD_IMAGES if bad.name == "has-100-megapixels"))
    with pytest.raises(SampleError, match="image_too_large"):
        read_exif(path)


def test_a_file_that_is_no_image_is_named_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("<html>not found</html>")
    with pytest.raises(SampleError, match="unreadable_image"):
        read_exif(path)
