"""Under which licence weights stand that a model began with, as far as anybody has said.

A licence is told only where its source is known; everything else is "unknown", never guessed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from streetclip.model.hf_model import PREFIX

UNKNOWN = "unknown"
"""Nobody has told: to be checked before anything is published."""

OWN = "own"
"""There were no weights of others."""

# Beginning of a tag of open_clip, identifier of the licence (SPDX, in small letters), source.
_TAGS = (
    ("openai", "mit", "the repository openai/CLIP"),
    ("laion2b_", "mit", "LAION's model cards"),
    ("metaclip_", "cc-by-nc-4.0", "the model cards of facebook/metaclip"),
)
_FRONT_MATTER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class StartWeights:
    """What a model began with.

    Args:
        what: In words.
        licence: An identifier, `UNKNOWN` or `OWN`.
        source: Who says so; empty where nobody does.
    """

    what: str
    licence: str
    source: str = ""


def start_weights(name: str, pretrained: str | None, start_from: str | None) -> StartWeights:
    """The weights that a model's options name.

    Args:
        name: Of the model: of open_clip, a configuration file, ``hf:FOLDER``, ``open_clip:...``.
        pretrained: Tag or file.
        start_from: One of our checkpoints.

    Example:
        >>> start_weights("ViT-B-32-quickgelu", "openai", None).licence
        'mit'
        >>> start_weights("ViT-B-32", "weights.safetensors", None).licence
        'unknown'
    """
    if start_from is not None:
        return StartWeights(f"the checkpoint `{Path(start_from).name}`", UNKNOWN)
    if name.startswith(PREFIX):
        return _of_folder(Path(name.removeprefix(PREFIX)))
    model, _, tag = name.removeprefix("open_clip:").partition(":")
    weights = pretrained or tag or None
    is_folder = "/" in model or Path(model).is_dir()
    if weights is None and is_folder and not model.endswith(".json"):
        return StartWeights(f"the folder `{Path(model).name}`", UNKNOWN)
    if weights is None:
        return StartWeights("new weights, drawn at random", OWN)
    for beginning, licence, source in _TAGS:
        if weights.startswith(beginning) and "/" not in weights and "." not in weights:
            return StartWeights(f"`{model}` with open_clip's weights `{weights}`", licence, source)
    return StartWeights(f"`{Path(model).name}` with weights `{Path(weights).name}`", UNKNOWN)


def _of_folder(folder: Path) -> StartWeights:
    what = f"the transformers model in the folder `{folder.name}`"
    stated = _front_matter(folder / "README.md").get("license")
    if isinstance(stated, str) and stated:
        return StartWeights(what, stated.lower(), "the README.md of that folder")
    if "streetclip" in folder.name.lower():
        return StartWeights(what, "cc-by-nc-4.0", "its name, and the card of geolocal/StreetCLIP")
    return StartWeights(what, UNKNOWN)


def _front_matter(card: Path) -> dict[str, Any]:
    """The YAML between the first two lines of dashes of a model card."""
    try:
        with card.open(encoding="utf-8") as file:
            text = file.read(_FRONT_MATTER_BYTES)
    except (OSError, ValueError):
        return {}
    parts = text.split("---\n", 2)
    if len(parts) < 3 or parts[0].strip():
        return {}
    try:
        content = yaml.safe_load(parts[1])
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}
