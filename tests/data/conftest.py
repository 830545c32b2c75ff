"""A small shard set, made by webdataset's own writer and indexed by ours."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import webdataset as wds
from PIL import Image
from torch import Tensor

from streetclip.captions.template import Template, load_template
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet

COUNTRIES = ("FR", "NL", "GB", "JP")
MakeShards = Callable[..., ShardSet]


def photo(number: int) -> bytes:
    """A smooth picture of its own color."""
    color = np.random.default_rng(number).integers(30, 220, 3)
    shade = np.linspace(0, 30, 40)[None, :, None]
    buffer = io.BytesIO()
    Image.fromarray((color + shade + np.zeros((30, 40, 3))).astype(np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def metadata(number: int) -> bytes:
    country = COUNTRIES[number % len(COUNTRIES)]
    place = {"latitude": number % 90, "longitude": number % 180, "country": country}
    return json.dumps(place | {"region": f"Region {number % 7}", "town": f"Town {number}"}).encode()


def write_tars(
    folder: Path,
    sizes: Sequence[int],
    *,
    broken: Sequence[int] = (),
    nowhere: Sequence[int] = (),
) -> list[Path]:
    """Tars of the given sizes; `broken` photographs are cut short, `nowhere` has no country."""
    folder.mkdir(parents=True, exist_ok=True)
    number, paths = 0, []
    for shard, size in enumerate(sizes):
        paths.append(folder / f"{shard:06d}.tar")
        with wds.TarWriter(str(paths[-1])) as tar:
            for _ in range(size):
                image = photo(number)[: -40 if number in broken else None]
                place = b'{"latitude": 1, "longitude": 2}' if number in nowhere else None
                tar.write(
                    {"__key__": f"{number:04d}", "jpg": image, "json": place or metadata(number)}
                )
                number += 1
    return paths


@pytest.fixture(scope="session")
def shard_set(tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    """Three shards of 20, 13 and 17 samples."""
    folder = tmp_path_factory.mktemp("shards") / "set"
    write_tars(folder, [20, 13, 17])
    return index_shards(folder)


@pytest.fixture(scope="session")
def preprocess() -> Preprocess:
    return Preprocess(16, 16, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


@pytest.fixture(scope="session")
def template() -> Template:
    return load_template("street")


def tokenize(texts: Sequence[str]) -> Tensor:
    """The first twelve bytes of each word's length, a stand-in for a real tokenizer."""
    rows = [[len(word) for word in text.split()][:12] for text in texts]
    return torch.tensor([row + [0] * (12 - len(row)) for row in rows])


def data(
    train: Any, preprocess: Preprocess, template: Template, **changes: Any
) -> StreetclipDataModule:
    """A datamodule of small batches, changed by keywords."""
    values: dict[str, Any] = {"batch_size": 8, "lanes": 4, "window": 6, "seed": 5}
    return StreetclipDataModule(
        train, preprocess=preprocess, tokenize=tokenize, template=template, **(values | changes)
    )
