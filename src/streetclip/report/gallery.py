"""The worst and some random photographs: their answers, and small pictures where given."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from PIL import Image

from streetclip.errors import SampleError
from streetclip.report.answers import Answers, country_name
from streetclip.shards.picture import open_photograph
from streetclip.shards.pixels import upright_rgb

COUNT = 20
SIDE_PX = 240
# Forty pictures of this size, as base64, take 1.1 MB.
MAX_BYTES = 20_000
_QUALITIES = (72, 55, 40, 25, 10)

Picture = Callable[[str], bytes | None]
"""Takes the key of a photograph and gives its bytes, or None where they are not at hand.

It may raise `SampleError` where they are damaged.
"""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small JPEG, or why there is none.

    Args:
        uri: A `data:` URI; "" where there is none.
        width: Pixels.
        height: Pixels.
        problem: Why there is no picture; "" where there is one.
    """

    uri: str = ""
    width: int = 0
    height: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One photograph of a gallery.

    Args:
        number: From 1.
        key: Of the sample.
        distance_km: Its error; None where nobody knows it.
        true: Where it was taken, in words.
        predicted: What was answered, in words.
        thumbnail: None where pictures were not asked for.
    """

    number: int
    key: str
    distance_km: float | None
    true: str
    predicted: str
    thumbnail: Thumbnail | None


def random_rows(n: int, count: int, *, seed: int) -> list[int]:
    """Photographs drawn without replacement.

    Args:
        n: Photographs of the result.
        count: How many at most.
        seed: The same seed draws the same photographs.

    Returns:
        Row numbers in order.
    """
    rng = np.random.default_rng(seed)
    return sorted(rng.choice(n, size=min(count, n), replace=False).tolist())


def gallery(answers: Answers, rows: Sequence[int], *, picture: Picture | None) -> list[Shown]:
    """Photographs with their answers.

    Args:
        answers: Of a result.
        rows: Which photographs, in the order in which they are shown.
        picture: Gives the bytes of a photograph; None shows no pictures, as they may be private.

    Returns:
        One entry a row.
    """
    chosen = answers.table.take(pa.array(rows, pa.int64())).to_pylist()
    return [
        Shown(
            number=number,
            key=row["key"],
            distance_km=row["distance_km"],
            true=_place(row.get("true_town"), row["true_country"]),
            predicted=_place(row.get("predicted_city"), row["predicted_country"]),
            thumbnail=None if picture is None else _thumbnail(picture, row["key"]),
        )
        for number, row in enumerate(chosen, start=1)
    ]


def thumbnail(raw: bytes) -> Thumbnail:
    """A photograph as a small JPEG without metadata, bounded in size.

    Args:
        raw: A photograph of any kind that shards take.

    Returns:
        The picture, at most `SIDE_PX` wide and high and `MAX_BYTES` long.

    Raises:
        SampleError: The bytes are no photograph, or a damaged one.
    """
    image = upright_rgb(open_photograph(raw), raw, max_side_px=SIDE_PX, quick=True)
    for quality in _QUALITIES:
        data = _jpeg(image, quality)
        if len(data) <= MAX_BYTES:
            break
    uri = f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
    return Thumbnail(uri, image.width, image.height)


def _thumbnail(picture: Picture, key: str) -> Thumbnail:
    try:
        raw = picture(key)
        return Thumbnail(problem="not at hand") if raw is None else thumbnail(raw)
    except SampleError as error:
        return Thumbnail(problem=str(error))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    # Pillow would copy a color profile and a comment from the source.
    image.info.clear()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def _place(name: str | None, country: str | None) -> str:
    words = [word for word in (name, country_name(country)) if word]
    return ", ".join(words)
