"""Towers of width 32 on photographs of 32 pixels, and batches of noise for them."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from streetclip.model.backbone import Backbone, create_backbone, rebuild_backbone
from streetclip.model.spec import spec_of

TINY: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 40, "width": 32, "heads": 2, "layers": 2},
}
CAPTIONS = [
    "a street in France",
    "A street photograph in the town of Saint-Denis in the region of Reunion in France.",
    "Japan",
    "a street in Peru",
]


def move_products(backbone: Backbone, *, std: float = 0.2) -> Backbone:
    """Products that have begun to say something: a new one has a gradient in one half only."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in backbone.named_parameters():
            if name.endswith(".up"):
                parameter.normal_(std=std, generator=generator)
    return backbone


@pytest.fixture
def tiny_config() -> dict[str, Any]:
    return copy.deepcopy(TINY)


@pytest.fixture(scope="session")
def tiny_plain() -> dict[str, Any]:
    return copy.deepcopy(TINY)


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY), encoding="utf-8")
    return path


@pytest.fixture
def tiny(tiny_file: Path) -> Backbone:
    return create_backbone(str(tiny_file), seed=7)


@pytest.fixture
def make_backbone() -> Callable[..., Backbone]:
    """Builds the tiny model with changes, such as `text_cfg={"context_length": 24}`."""

    def make(*, seed: int = 7, **changes: Any) -> Backbone:
        config = copy.deepcopy(TINY)
        for key, value in changes.items():
            config[key] = {**config.get(key, {}), **value} if isinstance(value, dict) else value
        return rebuild_backbone(spec_of("tiny", config), seed=seed)

    return make


@pytest.fixture
def make_batch(tiny: Backbone) -> Callable[..., dict[str, Any]]:
    """Builds a batch of noise with the captions above, as the data room makes them."""

    def make(seed: int = 0) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(seed)
        image = torch.randint(0, 256, (4, 3, 32, 32), generator=generator, dtype=torch.uint8)
        return {
            "image": image,
            "tokens": tiny.tokenize(CAPTIONS),
            "caption_id": torch.tensor([1, 2, 1, 3]),
            "keys": [f"{seed}_{row}" for row in range(4)],
            "captions": CAPTIONS,
            "epoch": 0,
            "step": seed,
        }

    return make
