"""Small sources and tars made on the spot."""

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeSource = Callable[..., Path]
WriteTar = Callable[..., Path]

# Towns far apart, so that each is its own place.
TOWNS = (
    ("FR", "Paris", 48.8566, 2.3522),
    ("FR", "Lyon", 45.7640, 4.8357),
    ("GB", "Leeds", 53.7997, -1.5492),
    ("KE", "Nairobi", -1.2864, 36.8172),
    ("NA", "Windhoek", -22.5597, 17.0832),
    ("JP", "Osaka", 34.6937, 135.5023),
)


def picture(number: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A smooth gradient that differs from number to number."""
    x = np.linspace(0, 200, size[0])[None, :, None]
    y = np.linspace(0, 50, size[1])[:, None, None]
    colors = np.array([number * 37 % 55, number * 11 % 55, number * 5 % 55])
    return Image.fromarray((x + y + colors).clip(0, 255).astype(np.uint8))


def jpeg(number: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """The same as JPEG bytes."""
    out = io.BytesIO()
    picture(number, size).save(out, "JPEG")
    return out.getvalue()


def sample_json(**fields: object) -> bytes:
    """Metadata of a sample in Paris, changed by keywords."""
    return json.dumps({"latitude": 48.85, "longitude": 2.35, "country": "FR"} | fields).encode()


def all_bytes(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def make_jpeg() -> Callable[[int], bytes]:
    """Bytes of a small JPEG that differs from number to number."""
    return jpeg


@pytest.fixture
def make_json() -> Callable[..., bytes]:
    """Metadata of a sample in Paris, changed by keywords."""
    return sample_json


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Writes a table of photographs: make_source(12, extra_lines=[...])."""

    def make(count: int, *, extra_lines: Sequence[str] = (), name: str = "source") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        lines = ["image,latitude,longitude,country,town,licence"]
        for number in range(count):
            country, town, latitude, longitude = TOWNS[number % len(TOWNS)]
            (folder / f"{number:03}.jpg").write_bytes(jpeg(number))
            lines.append(f"{number:03}.jpg,{latitude},{longitude},{country},{town},CC0")
        table = folder / "photos.csv"
        table.write_text("\n".join([*lines, *extra_lines]) + "\n", encoding="utf-8")
        return table

    return make


@pytest.fixture
def write_tar(tmp_path: Path) -> WriteTar:
    """Writes a tar of (name, bytes) pairs: write_tar([("a.jpg", b"..."), ...])."""

    def write(members: Sequence[tuple[str, bytes]], name: str = "set/000000.tar") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for member, data in members:
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path

    return write


@pytest.fixture
def sample() -> Callable[[str], list[tuple[str, bytes]]]:
    """The two members of a good sample: sample("key")."""
    return lambda key: [(f"{key}.jpg", jpeg(1)), (f"{key}.json", sample_json())]
