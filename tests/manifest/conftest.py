"""Small photographs made on the spot, with or without EXIF."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ExifTags, Image

MakePhoto = Callable[..., Path]


@pytest.fixture
def make_photo(tmp_path: Path) -> MakePhoto:
    """Writes a photograph below `tmp_path`: make_photo("a/b.jpg", gps={...}, taken="...")."""
    count = 0

    def make(name: str, *, gps: dict[int, object] | None = None, taken: str | None = None) -> Path:
        nonlocal count
        count += 1
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if gps is not None:
            exif[ExifTags.IFD.GPSInfo] = gps
        if taken is not None:
            exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: taken}
        Image.new("RGB", (48, 32), (count % 256, 80, 120)).save(path, exif=exif)
        return path

    return make


@pytest.fixture
def paris() -> dict[int, object]:
    """EXIF GPS of 48 deg 51' 24" N, 2 deg 21' 0" W (sic), looking west."""
    return {1: "N", 2: (48.0, 51.0, 24.0), 3: "W", 4: (2.0, 21.0, 0.0), 16: "T", 17: 270.0}
