"""Weight files of others: what can be told about a file before its weights are used."""

import json
import logging
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from streetclip.errors import ModelError
from streetclip.model.pickled import read_pickled
from streetclip.model.spec import BackboneSpec

_log = logging.getLogger(__name__)

_QUICK_WORDS = ("openai", "quickgelu", "quick_gelu")
# OpenAI's own files hold these numbers beside the weights, and nobody else's do.
_WRITTEN_BY_OPENAI = {"input_resolution", "context_length", "vocab_size"}
_OF_TRANSFORMERS = ("text_model.", "vision_model.")

SUFFIXES = (".safetensors", ".pt", ".bin", ".pth")


def looks_like_path(text: str) -> bool:
    """Whether `pretrained` names a file rather than a tag of open_clip.

    Example:
        >>> looks_like_path("laion2b_s34b_b79k"), looks_like_path("weights/vit.safetensors")
        (False, True)
    """
    return "/" in text or text.endswith(SUFFIXES) or Path(text).exists()


def check_weight_file(path: Path, spec: BackboneSpec) -> None:
    """Refuses a file that cannot be read safely or was trained with another activation.

    Weights say nothing of the activation, and with the wrong one the features are silently wrong:
    a file is judged by the configuration that lies beside it and by its name.

    Args:
        path: The file.
        spec: The model that is to take the weights.

    Raises:
        ModelError: The file is missing, of another kind, or needs the other activation.
    """
    if not path.is_file():
        raise ModelError(f"no weight file '{path}'", remedy="check model.pretrained")
    if path.suffix not in SUFFIXES:
        raise ModelError(
            f"weight file '{path}' has an unknown ending", got=path.suffix, allowed=SUFFIXES
        )
    if path.suffix != ".safetensors" and _is_torchscript(path):
        raise ModelError(
            f"weight file '{path}' is a TorchScript archive, a program, not only weights",
            remedy="save its state_dict as .safetensors first",
        )
    if any(name.startswith(_OF_TRANSFORMERS) for name in _weight_names(path)):
        raise ModelError(
            f"weight file '{path}' has the layout of transformers",
            allowed="the layout of open_clip",
            remedy=f"name the folder: hf:{path.parent}",
        )
    trained = _activation_of(path)
    if trained is None:
        _log.warning(
            "nothing tells which activation %s was trained with; '%s' uses %s",
            path,
            spec.name,
            _activation(spec.quick_gelu),
        )
    else:
        check_activation(spec, trained, source=str(path))


def check_activation(spec: BackboneSpec, trained: bool, *, source: str) -> None:
    """Refuses weights that were trained with another activation than the model has.

    Args:
        spec: The model.
        trained: Whether the weights were trained with QuickGELU.
        source: The tag or file, for the message.

    Raises:
        ModelError: They differ.
    """
    if trained == spec.quick_gelu:
        return
    if trained:
        remedy = f"use the model '{spec.name}-quickgelu', or quick_gelu: true in its file"
    else:
        remedy = f"use the model '{spec.name.removesuffix('-quickgelu')}' (GELU)"
    raise ModelError(
        f"weights '{source}' do not fit model '{spec.name}': the activation differs",
        got=f"{_activation(spec.quick_gelu)} in the model",
        allowed=f"{_activation(trained)}, as in training",
        remedy=remedy,
    )


def misfit(path: Path, spec: BackboneSpec) -> Callable[[object], ModelError]:
    """Makes the error of a file whose content a model cannot take.

    Args:
        path: The file.
        spec: The model.

    Returns:
        A function from the reason to the error.
    """
    return partial(_misfit, f"weight file '{path}' does not fit model '{spec.name}'")


def configuration_beside(path: Path) -> dict[str, Any] | None:
    """What hubs put beside a weight file: `model_cfg` and `preprocess_cfg`; None without it.

    Args:
        path: The weight file.

    Raises:
        ModelError: The configuration is no JSON object.
    """
    beside = path.parent / "open_clip_config.json"
    if not beside.is_file():
        return None
    try:
        config = json.loads(beside.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"'{beside}' beside the weights is no JSON file", got=error) from error
    if not isinstance(config, dict):
        raise ModelError(f"'{beside}' beside the weights holds no JSON object", got=type(config))
    return config


def _misfit(what: str, reason: object) -> ModelError:
    return ModelError(what, got=reason)


def _activation(quick_gelu: bool) -> str:
    return "QuickGELU" if quick_gelu else "GELU"


def _is_torchscript(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False  # no archive, or a broken one, which its reader will refuse


def _activation_of(path: Path) -> bool | None:
    """True for QuickGELU, False for GELU, None where nothing tells."""
    beside = configuration_beside(path)
    if beside is not None:
        return bool(beside.get("model_cfg", beside).get("quick_gelu", False))
    if any(word in _telling_names(path) for word in _QUICK_WORDS):
        return True
    if set(_weight_names(path)) >= _WRITTEN_BY_OPENAI:
        return True
    return None


def _telling_names(path: Path) -> str:
    """The file, its folder, and the repository that a hub's cache keeps it for."""
    cached = [part for part in path.absolute().parts if part.startswith("models--")]
    return "/".join([*cached, path.parent.name, path.name]).lower()


def _weight_names(path: Path) -> Sequence[str]:
    """What the weights of a file are called; none where it cannot be read, which is said later."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                return list(file.keys())
        content = read_pickled(path, ModelError, map_location="meta")
    except (ModelError, SafetensorError, OSError):
        return []
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    return [str(name) for name in state] if isinstance(state, dict) else []
