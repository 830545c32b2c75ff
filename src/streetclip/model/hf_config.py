"""A configuration of transformers' `CLIPModel` becomes the arguments of open_clip's `CLIP`.

Source: names and defaults of `CLIPTextConfig`, `CLIPVisionConfig` and `CLIPConfig` in
transformers 5.24; a key that a file leaves out has their default, as there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streetclip.model.spec import CLIP_VOCABULARY

END_OF_TEXT = 49407
"""Id of the end-of-text token, the highest of CLIP's vocabulary."""

LEGACY_END_OF_TEXT = 2
"""What configurations said before 2023; transformers then pools at the highest id of a row."""

LAYER_NORM_EPS = 1e-5
"""Of every layer normalization, in both, where nothing else is said."""

VISION_DEFAULTS: Mapping[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": LAYER_NORM_EPS,
}
TEXT_DEFAULTS: Mapping[str, Any] = {
    "vocab_size": CLIP_VOCABULARY,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": LAYER_NORM_EPS,
    "eos_token_id": END_OF_TEXT,
}
PROJECTION_DEFAULT = 512
QUICK_GELU, GELU = "quick_gelu", "gelu"
"""Transformers' names of the two activations that both libraries have."""

# More would take hours to build; the largest CLIP has 80.
_MOST_LAYERS = 1000
_WHOLE = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("image_size", "patch_size", "max_position_embeddings"),
)


@dataclass(frozen=True)
class Towers:
    """A configuration of transformers, completed by its defaults.

    Args:
        vision: Of the image tower.
        text: Of the text tower.
        projection_dim: Width of the common features.
    """

    vision: Mapping[str, Any]
    text: Mapping[str, Any]
    projection_dim: Any


def read_towers(config: Mapping[str, Any]) -> Towers:
    """Both towers of a `config.json`.

    Files of before 2023 also have `vision_config_dict` and `text_config_dict`, which hold what was
    set; where they are, they decide, as in transformers.

    Args:
        config: The JSON object.

    Example:
        >>> read_towers({"vision_config": {"patch_size": 14}}).vision["patch_size"]
        14
    """

    def part(name: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
        older = config.get(f"{name}_dict")
        if isinstance(older, Mapping):
            # There the defaults of what was not set win over the nested form too.
            return {**defaults, **older}
        newer = config.get(name)
        return {**defaults, **(newer if isinstance(newer, Mapping) else {})}

    return Towers(
        part("vision_config", VISION_DEFAULTS),
        part("text_config", TEXT_DEFAULTS),
        config.get("projection_dim", PROJECTION_DEFAULT),
    )


def open_clip_config(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments of open_clip's `CLIP` for a configuration of transformers.

    Args:
        config: Content of `config.json`.

    Returns:
        The arguments, empty where sizes are none; and one sentence for everything that cannot be
        built here. The arguments of a configuration with problems only serve to find more of them.

    Example:
        >>> arguments, problems = open_clip_config({"model_type": "clip"})
        >>> arguments["quick_gelu"], arguments["vision_cfg"]["patch_size"], problems
        (True, 32, [])
    """
    towers = read_towers(config)
    sizes = _all_sizes(towers)
    problems = _kind_problems(config) + sizes + _other_problems(towers)
    return ({} if sizes else _arguments(towers)), problems


def _arguments(towers: Towers) -> dict[str, Any]:
    vision, text = towers.vision, towers.text
    return {
        "embed_dim": towers.projection_dim,
        "quick_gelu": vision["hidden_act"] == QUICK_GELU,
        "vision_cfg": {
            "image_size": vision["image_size"],
            "layers": vision["num_hidden_layers"],
            "width": vision["hidden_size"],
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            "patch_size": vision["patch_size"],
            **_shared(vision),
        },
        "text_cfg": {
            "context_length": text["max_position_embeddings"],
            "vocab_size": CLIP_VOCABULARY,
            "width": text["hidden_size"],
            "heads": text["num_attention_heads"],
            "layers": text["num_hidden_layers"],
            **_shared(text),
        },
    }


def _shared(tower: Mapping[str, Any]) -> dict[str, Any]:
    ratio = _ratio(tower["intermediate_size"], tower["hidden_size"])
    eps = float(tower["layer_norm_eps"])
    return {"mlp_ratio": ratio} | ({} if eps == LAYER_NORM_EPS else {"norm_kwargs": {"eps": eps}})


def _ratio(intermediate: int, hidden: int) -> float:
    """The ratio from which open_clip, which rounds down, gets the same width again."""
    ratio = intermediate / hidden
    return ratio if int(hidden * ratio) == intermediate else math.nextafter(ratio, math.inf)


def _kind_problems(config: Mapping[str, Any]) -> list[str]:
    kind = config.get("model_type", "clip")
    return [] if kind == "clip" else [f"model_type is {kind!r}; allowed: clip"]


def _all_sizes(towers: Towers) -> list[str]:
    problems = _size_problems("vision", towers.vision) + _size_problems("text", towers.text)
    if not _is_size(towers.projection_dim):
        problems.append(f"projection_dim is {towers.projection_dim!r}, no whole number above 0")
    return problems


def _other_problems(towers: Towers) -> list[str]:
    vision, text = towers.vision, towers.text
    problems = _activation_problems(vision["hidden_act"], text["hidden_act"])
    if vision["num_channels"] != 3:
        problems.append(f"vision.num_channels is {vision['num_channels']!r}; allowed: 3")
    if text["vocab_size"] != CLIP_VOCABULARY:
        own = f"{CLIP_VOCABULARY}, CLIP's own"
        problems.append(f"text.vocab_size is {text['vocab_size']!r}; allowed: {own}")
    # With both, the feature is read at the end-of-text token: the only 49407 of a row, and its
    # highest id, which is where open_clip reads it.
    if text["eos_token_id"] not in (LEGACY_END_OF_TEXT, END_OF_TEXT):
        allowed = f"{END_OF_TEXT}, or {LEGACY_END_OF_TEXT} in old files"
        problems.append(f"text.eos_token_id is {text['eos_token_id']!r}; allowed: {allowed}")
    return problems


def _size_problems(name: str, tower: Mapping[str, Any]) -> list[str]:
    wrong = [key for key in _WHOLE if key in tower and not _is_size(tower[key])]
    problems = [f"{name}.{key} is {tower[key]!r}, no whole number above 0" for key in wrong]
    if "num_hidden_layers" not in wrong and tower["num_hidden_layers"] > _MOST_LAYERS:
        problems.append(f"{name}.num_hidden_layers is {tower['num_hidden_layers']}")
    if not wrong and tower["hidden_size"] % tower["num_attention_heads"]:
        problems.append(f"{name}.hidden_size is no multiple of {name}.num_attention_heads")
    eps = tower["layer_norm_eps"]
    if not isinstance(eps, int | float) or not 0 < eps < 1:
        problems.append(f"{name}.layer_norm_eps is {eps!r}")
    return problems


def _activation_problems(vision: Any, text: Any) -> list[str]:
    allowed = f"{QUICK_GELU} or {GELU}"
    problems = [
        f"{name}.hidden_act is {activation!r}; allowed: {allowed}"
        for name, activation in (("vision", vision), ("text", text))
        if activation not in (QUICK_GELU, GELU)
    ]
    if not problems and vision != text:
        problems.append(
            f"vision.hidden_act is {vision} and text.hidden_act {text}; allowed: one for both"
        )
    return problems


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1_000_000
