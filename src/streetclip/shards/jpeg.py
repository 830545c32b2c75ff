"""Whether a JPEG is whole: libjpeg takes one whose data end early, and fills the rest with gray."""

import io

from PIL import Image

MID_GRAY = 128
_END = b"\xff\xd9"
# Data of a picture that goes on: any bytes do that are no run of one value. The restart marker of
# each number stands before some of them, because a picture cut at one of these waits for the next.
_DATA = bytes((37 * number * number + 11 * number) % 251 for number in range(512))
_MORE = _DATA + b"".join(bytes([0xFF, 0xD0 + number % 8]) + _DATA for number in range(16))


def ends_early(raw: bytes) -> bool:
    """Whether the data of a JPEG end before its picture does.

    A JPEG that lost its end, and got a new end mark from some tool, decodes without an error. But
    its picture changes when more data stand before the end mark, which a whole picture ignores.

    Args:
        raw: The bytes of a JPEG that Pillow can decode.

    Returns:
        True where more data would change the picture.
    """
    end = raw.rfind(_END)
    return end >= 0 and _pixels(raw) != _pixels(raw[:end] + _MORE + raw[end:])


def _pixels(raw: bytes) -> bytes | None:
    """The decoded picture, or None where Pillow finds it broken."""
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG",)) as image:
            return image.tobytes()
    except (OSError, SyntaxError, ValueError):
        return None
