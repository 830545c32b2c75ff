"""A tiny shard set of noise in three colors, one for each of three countries."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import webdataset
from PIL import Image

from streetclip.shards.index import index_shards

PLACES = [("FR", "Brittany", "Rennes"), ("JP", "Kyoto", "Uji"), ("PE", "Cusco", "Pisac")]
SIZES = (17, 17)
PHOTOS = sum(SIZES)


def write_tiny_shards(folder: Path, *, sizes: Sequence[int] = SIZES, seed: int = 11) -> Path:
    """Write and index tars.

    Args:
        folder: Where they go; made if it does not exist.
        sizes: Photographs of each tar.
        seed: Decides pixels and places.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for shard, size in enumerate(sizes):
        with webdataset.TarWriter(str(folder / f"{shard:06d}.tar")) as tar:
            for number in range(size):
                tar.write(tiny_sample(rng, f"s{shard}_{number:03d}"))
    index_shards(folder)
    return folder


def tiny_sample(rng: np.random.Generator, key: str) -> dict[str, Any]:
    """A photograph of 40 x 40 pixels with its place, as webdataset's writer takes it."""
    place = int(rng.integers(len(PLACES)))
    pixels = rng.integers(0, 120, (40, 40, 3)) + np.eye(3, dtype=np.int64)[place] * 130
    image = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(image, "JPEG")
    country, region, town = PLACES[place]
    metadata: dict[str, Any] = {"latitude": 10.0 + place, "longitude": 20.0}
    metadata |= {"country": country, "region": region, "town": town}
    return {"__key__": key, "jpg": image.getvalue(), "json": json.dumps(metadata).encode()}
