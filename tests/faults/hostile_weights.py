"""Hostile files given as checkpoints and weights, wherever a user can name one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.forkedrun import MODEL

from streetclip.errors import CheckpointError, ModelError
from streetclip.model.backbone import create_backbone
from streetclip.model.weights import load_backbone, start_from
from streetclip.training.checkpoint_io import read_checkpoint

Write = Callable[[Path, Path], None]
"""Writes a hostile file, the first path, that makes a marker, the second."""


def to_load(write: Write, folder: Path, marker: Path) -> int:
    """As a checkpoint to resume from, and as the weights that a benchmark or a prediction names."""
    path = folder / "hostile.ckpt"
    write(path, marker)
    with pytest.raises(CheckpointError, match=r"cannot be used|is not one of our checkpoints"):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match=r"cannot be read|is no checkpoint of streetclip"):
        load_backbone(path)
    return 2


def to_start_from(write: Write, folder: Path, marker: Path) -> int:
    """As weights of a new run, ours or somebody else's."""
    model = folder / "model.json"
    model.write_text(json.dumps(MODEL))
    backbone = create_backbone(str(model), seed=1)
    for suffix in (".ckpt", ".pt", ".pth", ".bin", ".safetensors"):
        write(folder / f"hostile{suffix}", marker)
    with pytest.raises(CheckpointError, match=r"cannot be read|is no checkpoint of streetclip"):
        start_from(backbone, folder / "hostile.ckpt")
    for suffix in (".pt", ".pth", ".bin", ".safetensors"):
        with pytest.raises(ModelError, match="does not fit model"):
            create_backbone(str(model), pretrained=str(folder / f"hostile{suffix}"))
    return 5
