"""Sources that a person might bring: a table of photographs, and shards of OSV-5M form."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from webdataset.tariterators import group_by_keys, tar_file_expander

# Country, region and town as OSV-5M names them, and where they are.
TOWNS = (
    ("FR", "Île-de-France", "Paris", 48.8566, 2.3522),
    ("FR", "Auvergne-Rhône-Alpes", "Lyon", 45.7640, 4.8357),
    ("NA", "Khomas", "Windhoek", -22.5597, 17.0832),
    ("JP", "Osaka", "Osaka", 34.6937, 135.5023),
)


def jpeg(number: int) -> bytes:
    """A photograph of 40 x 32 pixels that differs from number to number."""
    pixels = np.random.default_rng(number).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize((40, 32)).save(out, "JPEG")
    return out.getvalue()


def write_table(folder: Path, count: int, *, lines: Sequence[str] = ()) -> Path:
    """A CSV of photographs with coordinates.

    Args:
        folder: Where it and the photographs go.
        count: How many photographs.
        lines: Further lines of the table, of photograph, latitude and longitude.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = ["image,latitude,longitude"]
    for number in range(count):
        _, _, _, latitude, longitude = TOWNS[number % len(TOWNS)]
        (folder / f"{number:03}.jpg").write_bytes(jpeg(number))
        text.append(f"{number:03}.jpg,{latitude},{longitude}")
    table = folder / "photos.csv"
    table.write_text("\n".join([*text, *lines]) + "\n")
    return table


def write_osv5m(folder: Path, *, tars: int = 2, samples: int = 12) -> Path:
    """Shards as those of OSV-5M: jpg and json, `unique_` names, the word NaN for what is missing.

    The last sample of every tar does not know its country.
    """
    folder.mkdir(parents=True)
    for tar_number in range(tars):
        with tarfile.open(folder / f"{tar_number:02}.tar", "w") as tar:
            for number in range(tar_number * samples, (tar_number + 1) * samples):
                last = number == (tar_number + 1) * samples - 1
                _add(tar, f"{3_000_000 + number}.jpg", jpeg(number))
                text = json.dumps(_osv5m_fields(number, nowhere=last))
                _add(tar, f"{3_000_000 + number}.json", text.encode())
    return folder


def read_with_webdataset(tars: Sequence[Path]) -> list[dict[str, Any]]:
    """Samples as webdataset's own stages group them; it would leave files open that it opens."""
    samples: list[dict[str, Any]] = []
    for tar in tars:
        with tar.open("rb") as stream:
            members = tar_file_expander([{"url": str(tar), "stream": stream}])
            samples += group_by_keys(members)
    return samples


def _osv5m_fields(number: int, *, nowhere: bool) -> dict[str, object]:
    country, region, town, latitude, longitude = TOWNS[number % len(TOWNS)]
    return {
        "id": 3_000_000 + number,
        "latitude": latitude,
        "longitude": longitude,
        "thumb_original_url": "https://example.org/photograph",
        "sequence": "abc",
        "land_cover": 3.0,
        "drive_side": 1.0,
        "climate": 14.0,
        "unique_country": "NaN" if nowhere else country,
        "unique_region": "NaN" if nowhere else f"{region}_{country}",
        "unique_sub-region": "NaN",
        "unique_city": "NaN" if nowhere else f"{town}_NaN_{region}_{country}",
    }


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
