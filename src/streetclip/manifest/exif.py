"""What EXIF says about where, when and in which direction a photograph was taken."""

import math
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from streetclip.errors import SampleError

_GPS = ExifTags.GPS
_BROKEN_EXIF = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError),
    *(EOFError, AttributeError, MemoryError, struct.error),
)


@dataclass(frozen=True, slots=True)
class ExifPlace:
    """Where and when, as far as EXIF tells.

    Args:
        latitude: Degrees north, or None.
        longitude: Degrees east, or None.
        heading: Degrees clockwise from north, or None.
        month: 1 to 12, or None.
    """

    latitude: float | None = None
    longitude: float | None = None
    heading: float | None = None
    month: int | None = None


def read_exif(path: Path) -> ExifPlace:
    """Reads the EXIF of a photograph; no pixel is decoded.

    Args:
        path: The file.

    Returns:
        What is there. A heading that refers to magnetic north is taken as it is.

    Raises:
        SampleError: ``unreadable_image``, ``image_too_large``, or ``bad_exif`` where the block is
            damaged.
    """
    try:
        with warnings.catch_warnings():
            # Remarks on odd tags say nothing about the place. But Pillow decodes a PNG to find EXIF
            # at its end, so one that would unpack to gigabytes is refused here.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                exif = image.getexif()
                gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
                taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise SampleError("image_too_large", str(error)) from error
    except OSError as error:
        raise SampleError("unreadable_image", f"{type(error).__name__}") from error
    except _BROKEN_EXIF as error:
        raise SampleError("bad_exif", f"{type(error).__name__}: {error}") from error
    return ExifPlace(
        _degrees(gps, _GPS.GPSLatitude, _GPS.GPSLatitudeRef, signs={"N": 1, "S": -1}),
        _degrees(gps, _GPS.GPSLongitude, _GPS.GPSLongitudeRef, signs={"E": 1, "W": -1}),
        _heading(gps.get(_GPS.GPSImgDirection)),
        _month(taken) or _month(gps.get(_GPS.GPSDateStamp)),
    )


def _degrees(
    gps: Mapping[int, Any], value_tag: int, reference_tag: int, *, signs: Mapping[str, int]
) -> float | None:
    """Degrees, minutes, seconds and a hemisphere; without a hemisphere the sign is a guess."""
    parts, reference = gps.get(value_tag), _plain(gps.get(reference_tag))
    if parts is None:
        return None
    sign = signs.get(reference[:1].upper())
    if sign is None:
        raise SampleError("bad_exif", f"hemisphere {reference!r}, allowed: {', '.join(signs)}")
    try:
        degrees, minutes, seconds = (float(part) for part in (*parts, 0, 0)[:3])
    except _BROKEN_EXIF as error:
        raise SampleError("bad_exif", f"coordinates {parts!r}") from error
    total = degrees + minutes / 60 + seconds / 3600
    return None if math.isnan(total) else sign * total


def _heading(value: Any) -> float | None:
    try:
        heading = float(value)
    except _BROKEN_EXIF:
        return None
    return heading % 360 if 0 <= heading <= 360 else None


def _month(value: Any) -> int | None:
    """The month of ``2019:07:14 ...``; cameras without a clock write zeros or blanks."""
    month = _plain(value).replace("-", ":").split(":")[1:2]
    return int(month[0]) if month and month[0].isdigit() and 1 <= int(month[0]) <= 12 else None


def _plain(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    return text.strip("\0 ")
