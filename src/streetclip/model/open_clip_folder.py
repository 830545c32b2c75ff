"""Folders in the layout that open_clip reads and writes: a configuration and weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.spec import read_spec

CONFIG_FILE = "open_clip_config.json"
WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""Source: `HF_CONFIG_NAME`, `HF_SAFE_WEIGHTS_NAME` and `HF_WEIGHTS_NAME` of open_clip 3.3."""


@dataclass(frozen=True)
class OpenClipFolder:
    """Where a model lies.

    Args:
        config: The configuration, with `model_cfg` and `preprocess_cfg`.
        weights: The weights.
    """

    config: Path
    weights: Path


def open_clip_folder(folder: Path) -> OpenClipFolder:
    """The parts of a folder of open_clip.

    Args:
        folder: As `write_open_clip` or open_clip itself has written it.

    Raises:
        ModelError: It lacks a part.
    """
    weights = next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    if not (folder / CONFIG_FILE).is_file() or weights is None:
        is_other = (folder / "config.json").is_file()
        raise ModelError(
            f"folder '{folder}' holds no model of open_clip",
            allowed=f"{CONFIG_FILE} and {' or '.join(WEIGHT_FILES)}",
            remedy=f"if it is one of transformers, use hf:{folder}" if is_other else None,
        )
    return OpenClipFolder(folder / CONFIG_FILE, weights)


def open_clip_config(backbone: Backbone) -> dict[str, Any]:
    """What `open_clip_config.json` says of a model.

    Args:
        backbone: The model.
    """
    numbers = backbone.preprocess
    return {
        "model_cfg": backbone.spec.to_plain()["config"],
        "preprocess_cfg": {
            "mean": list(numbers.mean),
            "std": list(numbers.std),
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }


def write_open_clip(backbone: Backbone, folder: Path) -> None:
    """Write a model as ``open_clip.create_model_from_pretrained("local-dir:FOLDER")`` reads it.

    Args:
        backbone: The model.
        folder: An existing folder.
    """
    state = backbone.clip.state_dict()
    weights = {name: value.detach().contiguous().clone() for name, value in state.items()}
    save_file(weights, folder / WEIGHT_FILES[0], metadata={"format": "pt"})
    text = json.dumps(open_clip_config(backbone), indent=2) + "\n"
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")


def load_open_clip(folder: Path) -> Backbone:
    """What `write_open_clip` has written.

    Args:
        folder: Its folder.

    Returns:
        The model on the CPU, in fp32 and evaluation mode.

    Raises:
        ModelError: A part is missing, or the parts do not fit each other.
    """
    parts = open_clip_folder(folder)
    backbone = rebuild_backbone(read_spec(parts.config), seed=0)
    try:
        backbone.clip.load_state_dict(load_file(parts.weights))
    except (RuntimeError, SafetensorError, OSError) as error:
        raise ModelError(f"'{parts.weights}' does not fit '{parts.config}'", got=error) from error
    return backbone.eval()
