"""Photographs for the benches, of the sizes and the kind that street cameras write, in tars."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import webdataset as wds
from PIL import Image

from streetclip.captions.synthesize import synthesize
from streetclip.captions.template import load_template
from streetclip.geo.gazetteer import load_gazetteer

SIZES = ((640, 480), (800, 600), (1024, 768))
"""Width and height, in turn."""
DIFFERENT = 300
"""So many are drawn; further ones are the same bytes under another key and at another place."""


def jpegs(number: int, *, sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[bytes]:
    """Photographs of smooth color with noise, which compress about as well as a street scene.

    Args:
        number: How many; 153 kB each on average with the sizes as they are.
        sizes: Width and height, in turn.
    """
    rng = np.random.default_rng(0)
    drawn: list[bytes] = []
    for count in range(number):
        if count < DIFFERENT:
            drawn.append(_jpeg(rng, *sizes[count % len(sizes)]))
        yield drawn[count % DIFFERENT]


def _jpeg(rng: np.random.Generator, width: int, height: int) -> bytes:
    coarse = Image.fromarray(rng.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8))
    smooth = coarse.resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(smooth) * 0.6 + rng.normal(50, 2.8, (height, width, 1))
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def write_tars(folder: Path, photos: int, *, per_tar: int = 100) -> float:
    """Tars that both sides read: the photograph, our JSON, and a caption as text for the peer.

    Args:
        folder: Is made.
        photos: How many samples.
        per_tar: How many of them a tar holds.

    Returns:
        Average size of a photograph, in kB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    towns, template = load_gazetteer(), load_template("street")
    rng, total = np.random.default_rng(0), 0
    rows = rng.integers(0, len(towns.name), photos)
    with wds.ShardWriter(str(folder / "%06d.tar"), maxcount=per_tar, verbose=0) as tar:
        for number, (raw, row) in enumerate(zip(jpegs(photos), rows, strict=True)):
            place = {"latitude": float(towns.latitude[row]), "longitude": 1.0}
            place |= {"country": towns.country[row], "region": towns.region[row]}
            place |= {"town": towns.name[row]}
            known = {name: value for name, value in place.items() if value}
            caption = synthesize(template, known, rng)
            sample = {"jpg": raw, "json": json.dumps(known).encode(), "txt": caption.encode()}
            tar.write({"__key__": f"{number:06d}", **sample})
            total += len(raw)
    return total / photos / 1e3
