"""Whether a JPEG is whole: libjpeg takes one whose data end early, and fills the rest with gray.

Source: ITU-T T.81 (1992), annex B (markers and segments) and annex G (progressive scans).
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

MID_GRAY = 128
# Data of a picture that goes on: any bytes do that are no run of one value. The restart marker of
# each number stands before some of them, because a picture cut at one of these waits for the next.
_DATA = bytes((37 * number * number + 11 * number) % 251 for number in range(512))
_MORE = _DATA + b"".join(bytes([0xFF, 0xD0 + number % 8]) + _DATA for number in range(16))

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
# In the data of a scan, neither a byte of 255 nor a restart marker ends it.
_END_OF_DATA = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a segment: TEM, the restarts, and the start of an image."""
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_COEFFICIENTS = 64


@dataclass(frozen=True)
class _Scan:
    """One scan of the first picture of a file.

    Args:
        components: Which it holds.
        first: Coefficient.
        last: Coefficient.
        missing_bits: How many low bits of each are left to later scans.
        end: Where its data end.
    """

    components: Sequence[int]
    first: int
    last: int
    missing_bits: int
    end: int


@dataclass(frozen=True)
class _Frame:
    components: Sequence[int] = ()
    progressive: bool = False


def ends_early(raw: bytes) -> bool:
    """Whether the data of a JPEG end before its picture does.

    A JPEG that lost its end, and got a new end mark from some tool, decodes without an error. But
    its picture changes when more data stand behind those of its last scan, which a whole picture
    ignores. What follows the end mark of the picture, be it a thumbnail or another picture, says
    nothing.

    Args:
        raw: The bytes of a JPEG that Pillow can decode.

    Returns:
        True where more data would change the picture, or scans are missing.
    """
    frame, scans = _walk(raw)
    if not scans:
        return False
    if _lacks_scans(frame, scans):
        return True
    end = scans[-1].end
    return _pixels(raw) != _pixels(raw[:end] + _MORE + raw[end:])


def lacks_scans(raw: bytes) -> bool:
    """Whether the scans of a JPEG leave out some of its picture, which only its markers tell.

    A progressive picture that lost some of its scans is blurred, and decodes without an error; how
    many it should have is known, because at the end all bits of all coefficients must be there.

    Args:
        raw: The bytes of a JPEG that can be decoded.
    """
    frame, scans = _walk(raw)
    return bool(scans) and _lacks_scans(frame, scans)


def _lacks_scans(frame: _Frame, scans: Sequence[_Scan]) -> bool:
    missing = {(component, number) for component in frame.components for number in _numbers(frame)}
    for scan in scans:
        if scan.missing_bits == 0:
            span = range(scan.first, scan.last + 1)
            missing -= {(component, number) for component in scan.components for number in span}
    return bool(missing)


def _numbers(frame: _Frame) -> range:
    """The coefficients that scans name; one scan has all of them where it is not progressive."""
    return range(_COEFFICIENTS if frame.progressive else 1)


def _walk(raw: bytes) -> tuple[_Frame, list[_Scan]]:
    """Frame and scans of the first picture, as its decoder goes through them."""
    frame, scans = _Frame(), list[_Scan]()
    for code, body, end in _segments(raw):
        if code == _START_OF_SCAN:
            scans.append(_scan(body, end))
        elif code in _FRAMES and len(body) > 5:
            frame = _Frame(tuple(body[6 : 6 + 3 * body[5] : 3]), code in _PROGRESSIVE)
    return frame, scans


def _segments(raw: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, body, and where its data end, of each segment up to the end of the first picture."""
    position = 0
    while (found := _MARKER.search(raw, position)) and found[1][0] != _END_OF_IMAGE:
        code, position = found[1][0], found.end()
        if code in _ALONE:
            continue
        body = raw[position + 2 : position + int.from_bytes(raw[position : position + 2])]
        position += 2 + len(body)
        if code == _START_OF_SCAN:
            behind = _END_OF_DATA.search(raw, position)
            position = behind.start() if behind else len(raw)
        yield code, body, position


def _scan(body: bytes, end: int) -> _Scan:
    count = body[0] if body else 0
    first, last, bits = body[1 + 2 * count : 4 + 2 * count].ljust(3, b"\0")
    return _Scan(tuple(body[1 : 1 + 2 * count : 2]), first, last, bits & 0xF, end)


def _pixels(raw: bytes) -> bytes | None:
    """The decoded picture, or None where Pillow finds it broken."""
    try:
        with Image.open(io.BytesIO(raw), formats=("JPEG",)) as image:
            return image.tobytes()
    except (OSError, SyntaxError, ValueError):
        return None
