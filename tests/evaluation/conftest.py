"""A model that answers what a test plants, and a shard set whose photographs it tells apart."""

import io
import json
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet
from streetclip.zeroshot.protocol import CitySelection, Protocol

WIDTH = 64
STEP = 12  # Brightness between the photographs; JPEG changes a flat gray by less.


def text_feature(text: str) -> Tensor:
    """A random direction that follows from the text."""
    seed = zlib.crc32(text.encode())
    return F.normalize(torch.randn(WIDTH, generator=torch.Generator().manual_seed(seed)), dim=0)


class PlantedClip(nn.Module):
    """Sees the number of a photograph in its brightness, and finds the planted texts for it."""

    def __init__(self, planted: Mapping[int, Sequence[str]]) -> None:
        super().__init__()
        self.planted = planted
        self.preprocess = Preprocess(8, 8, (0.0,) * 3, (1.0,) * 3)
        self.logit_scale = torch.tensor(20.0)
        self.asked: list[str] = []
        self.drop = nn.Dropout(0.5)

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Code points, padded with zeros."""
        longest = max(map(len, texts))
        return torch.tensor([[*map(ord, text)] + [0] * (longest - len(text)) for text in texts])

    def encode_text(self, tokens: Tensor) -> Tensor:
        texts = ["".join(chr(code) for code in row if code) for row in tokens.tolist()]
        self.asked += texts
        return torch.stack([text_feature(text) for text in texts])

    def encode_image(self, image: Tensor) -> Tensor:
        numbers = (image.float().mean(dim=(1, 2, 3)) / STEP).round().long().tolist()
        features = [
            sum((text_feature(text) for text in self.planted.get(number, ())), torch.zeros(WIDTH))
            for number in numbers
        ]
        dropped: Tensor = self.drop(F.normalize(torch.stack(features), dim=-1))
        return dropped


@pytest.fixture
def planted_clip() -> type[PlantedClip]:
    """The model class; give it photograph numbers and texts."""
    return PlantedClip


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., ShardSet]:
    """Makes a shard set of metadata; photographs are gray, and cut where ``readable`` is False."""

    def make(samples: Sequence[Mapping[str, Any]]) -> ShardSet:
        folder = tmp_path / "photographs"
        folder.mkdir()
        with tarfile.open(folder / "000000.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for number, sample in enumerate(samples):
                gray = io.BytesIO()
                Image.new("RGB", (16, 16), (number * STEP,) * 3).save(gray, "JPEG", quality=95)
                readable = sample.get("readable", True)
                fields = {key: value for key, value in sample.items() if key != "readable"}
                for kind, data in (
                    ("jpg", gray.getvalue()[: None if readable else -2]),
                    ("json", json.dumps(fields).encode()),
                ):
                    info = tarfile.TarInfo(f"{number:06d}_a.{kind}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        return index_shards(folder)

    return make


@pytest.fixture
def three_countries() -> Protocol:
    """France, Singapore and the USA with five cities each, of the real gazetteer."""
    return Protocol(
        name="three",
        description="",
        countries=("FR", "SG", "US"),
        all_countries=False,
        country_prompts=("In {country}.",),
        city_prompts=("In {city}, {country}.",),
        cities=CitySelection(per_country=5, spacing_km=20.0),
    )
