"""What the header of a picture says decides before anything is decoded."""

import pytest
from PIL import Image
from tests.badthings.images import BAD_IMAGES, BadImage
from tests.badthings.scene import encoded, scene

from streetclip.errors import SampleError
from streetclip.shards.picture import decoding, open_photograph


@pytest.mark.parametrize("bad", BAD_IMAGES, ids=lambda bad: bad.name)
def test_a_header_is_taken_or_refused_as_stated(bad: BadImage) -> None:
    # Of an empty file even the tar shows that it is none, which is another code.
    reason = "unreadable_image" if bad.index_reason == "bad_image_size" else bad.index_reason
    if reason is None:
        assert open_photograph(bad.raw).size in {(96, 64), (64, 96)}
    else:
        with pytest.raises(SampleError, match=f"^{reason}: "):
            open_photograph(bad.raw)


def test_formats_that_start_another_program_are_not_opened() -> None:
    postscript = encoded(scene(), "EPS")
    with pytest.raises(SampleError, match="no image of a kind that can be read"):
        open_photograph(postscript)


def test_the_limit_of_pixels_is_the_callers() -> None:
    with pytest.raises(SampleError, match="image_too_large: 96 x 64 pixels, 6143 allowed"):
        open_photograph(encoded(scene()), max_pixels=96 * 64 - 1)
    assert open_photograph(encoded(scene()), max_pixels=96 * 64).size == (96, 64)


@pytest.mark.parametrize(("size", "reason"), [((16, 1024), None), ((16, 1025), "narrow"),
                                              ((15, 15), "small"), ((16, 16), None)])  # fmt: skip
def test_small_and_narrow_pictures_are_refused(size: tuple[int, int], reason: str | None) -> None:
    raw = encoded(Image.new("RGB", size))
    if reason is None:
        assert open_photograph(raw).size == size
    else:
        with pytest.raises(SampleError, match=f"image_too_{reason}: {size[0]} x {size[1]} pixels"):
            open_photograph(raw)


@pytest.mark.parametrize(
    "error", [OSError("x"), RuntimeError("x"), KeyError("x"), MemoryError("x")]
)
def test_what_decoders_raise_becomes_a_reason(error: Exception) -> None:
    with (
        pytest.raises(SampleError, match=f"^unreadable_image: {type(error).__name__}: "),
        decoding(),
    ):
        raise error


def test_mistakes_of_the_program_are_not_blamed_on_the_picture() -> None:
    with pytest.raises(AssertionError, match="mine"), decoding():
        raise AssertionError("mine")
