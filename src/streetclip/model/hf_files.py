"""The files of a transformers folder: JSON objects, and weights in one file or in several.

Nothing is fetched and nothing of a file is run: weights are safetensors, or pickles of tensors that
`pickled.read_pickled` reads with protection.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from streetclip.errors import ModelError
from streetclip.model.pickled import read_pickled

WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Where transformers looks for weights, in this order."""

CONFIG_FILE = "config.json"


def check_folder(folder: Path) -> None:
    """Refuses what is no folder of transformers, with the way to get one.

    Args:
        folder: What stood behind ``hf:``.

    Raises:
        ModelError: It is none.
    """
    if not folder.is_dir():
        raise ModelError(
            f"no folder '{folder}'",
            allowed="hf:FOLDER, with config.json and weights; nothing is fetched from a hub",
            remedy="where there is a network, fetch it with `hf download OWNER/NAME --local-dir "
            "FOLDER` (package huggingface_hub), and give the folder",
        )
    if not (folder / CONFIG_FILE).is_file():
        here = (folder / "open_clip_config.json").is_file()
        raise ModelError(
            f"'{folder}' has no {CONFIG_FILE}",
            allowed="the layout of transformers' CLIPModel",
            remedy=f"this one is open_clip's: use open_clip:{folder}" if here else None,
        )


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None where there is no such file.

    Args:
        path: Of the file.

    Raises:
        ModelError: It is no JSON object.
    """
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise ModelError(f"'{path}' is no JSON file", got=error) from error
    if not isinstance(content, dict):
        raise ModelError(f"'{path}' holds no JSON object", got=type(content).__name__)
    return content


def read_preprocessor(folder: Path) -> dict[str, Any] | None:
    """How photographs are prepared: a file of its own, or a part of the processor's.

    Args:
        folder: Of transformers.

    Raises:
        ModelError: The file is no JSON object.
    """
    own = read_json(folder / "preprocessor_config.json")
    if own is not None:
        return own
    part = (read_json(folder / "processor_config.json") or {}).get("image_processor")
    return part if isinstance(part, dict) else None


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All weights of a folder, on the CPU, by their names.

    Args:
        folder: Of transformers.

    Returns:
        Names to tensors; a folder that has safetensors and a pickle is read from the former.

    Raises:
        ModelError: There are none, or a file is damaged, missing or would run code.
    """
    found = next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    if found is None:
        raise ModelError(f"'{folder}' has no weights", allowed=" or ".join(WEIGHT_FILES))
    if found.suffix != ".json":
        return _read_file(found)
    weights: dict[str, Tensor] = {}
    for name in _parts(found):
        weights |= _read_file(folder / name)
    return weights


def _parts(index: Path) -> list[str]:
    """The files that an index names, all of which must lie beside it."""
    names = (read_json(index) or {}).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ModelError(f"'{index}' has no weight_map")
    files = sorted({str(name) for name in names.values()})
    strange = [name for name in files if Path(name).name != name]
    if strange:
        raise ModelError(f"'{index}' names files outside of its folder", got=", ".join(strange[:3]))
    missing = [name for name in files if not (index.parent / name).is_file()]
    if missing:
        raise ModelError(f"'{index.parent}' lacks parts of its weights", got=", ".join(missing))
    return files


def _read_file(path: Path) -> dict[str, Tensor]:
    def refuse(reason: object) -> ModelError:
        return ModelError(
            f"weight file '{path}' cannot be read",
            got=reason,
            remedy="it is damaged, a pointer to a file that was not fetched, or holds no weights",
        )

    if path.suffix == ".safetensors":
        try:
            return dict(load_file(path))
        except (SafetensorError, OSError, ValueError) as error:
            raise refuse(error) from error
    content = read_pickled(path, refuse)
    if not _is_named_tensors(content):
        raise refuse("no weights by their names")
    return dict(content)


def _is_named_tensors(content: Any) -> bool:
    return isinstance(content, Mapping) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )
