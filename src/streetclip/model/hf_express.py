"""Arguments of open_clip's `CLIP` become a configuration of transformers' `CLIPModel`, or do not.

open_clip builds more kinds of towers than transformers' CLIP has words for; what cannot be said
there is refused and not left out.
"""

from collections.abc import Mapping
from typing import Any

from streetclip.model.hf_config import END_OF_TEXT, GELU, LAYER_NORM_EPS, QUICK_GELU

# What a layer of transformers' towers has no word for, and the value that leaves it out.
_PLAIN_TOWER: Mapping[str, tuple[Any, ...]] = {
    "ls_init_value": (None,),
    "act_kwargs": (None, {}),
    "block_type": (None, "default"),
    **dict.fromkeys(("qk_norm", "scaled_cosine_attn", "scale_heads"), (False,)),
    **dict.fromkeys(("scale_attn_inner", "scale_attn", "scale_fc"), (False,)),
}
_PLAIN_VISION = {
    **_PLAIN_TOWER,
    "timm_model_name": (None,),
    "attentional_pool": (False,),
    "no_ln_pre": (False,),
    "pool_type": ("tok",),
}
_PLAIN_TEXT = {
    **_PLAIN_TOWER,
    "hf_model_name": (None,),
    "embed_cls": (False,),
    "no_causal_mask": (False,),
    "pool_type": ("argmax", "eos"),
    "proj_type": ("linear",),
    "proj_bias": (False,),
}


def transformers_config(complete: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A `config.json` for open_clip's arguments: the inverse of `hf_config.open_clip_config`.

    Args:
        complete: The arguments with all defaults written out, as `backbone.complete_config` gives.

    Returns:
        The configuration, and one sentence for everything that transformers' `CLIPModel` has no
        word for.
    """
    problems = _inexpressible(complete)
    if problems:
        return {}, problems
    vision, text = complete["vision_cfg"], complete["text_cfg"]
    both = {
        "hidden_act": QUICK_GELU if complete["quick_gelu"] else GELU,
        "projection_dim": complete["embed_dim"],
        "attention_dropout": 0.0,
    }
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": complete["embed_dim"],
        "logit_scale_init_value": 2.6592,
        "dtype": "float32",
        "vision_config": {
            "model_type": "clip_vision_model",
            "num_attention_heads": vision["width"] // vision["head_width"],
            "num_channels": 3,
            "image_size": _side(vision["image_size"]),
            "patch_size": _side(vision["patch_size"]),
            **both,
            **_shared_there(vision),
        },
        "text_config": {
            "model_type": "clip_text_model",
            "vocab_size": text["vocab_size"],
            "max_position_embeddings": text["context_length"],
            "num_attention_heads": text["heads"],
            "bos_token_id": END_OF_TEXT - 1,
            "eos_token_id": END_OF_TEXT,
            **both,
            **_shared_there(text),
        },
    }, []


def _shared_there(tower: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hidden_size": tower["width"],
        "intermediate_size": int(tower["width"] * tower["mlp_ratio"]),
        "num_hidden_layers": tower["layers"],
        "layer_norm_eps": (tower["norm_kwargs"] or {}).get("eps", LAYER_NORM_EPS),
    }


def _inexpressible(complete: Mapping[str, Any]) -> list[str]:
    problems = []
    bias = complete.get("init_logit_bias")
    if bias is not None:
        problems.append(f"init_logit_bias is {bias!r}: the logits have a bias, CLIPModel has none")
    for key, plain in (("custom_text", (False,)), ("nonscalar_logit_scale", (False,))):
        if complete.get(key, plain[0]) not in plain:
            problems.append(f"{key} is {complete[key]!r}")
    for part, plain_tower in (("vision_cfg", _PLAIN_VISION), ("text_cfg", _PLAIN_TEXT)):
        tower = complete[part]
        problems += [
            f"{part}.{key} is {tower[key]!r}"
            for key, plain in plain_tower.items()
            if tower[key] not in plain
        ]
        if set(tower["norm_kwargs"] or {}) - {"eps"}:
            problems.append(f"{part}.norm_kwargs is {tower['norm_kwargs']!r}")
    return problems + _special_problems(complete["vision_cfg"], complete["text_cfg"])


def _special_problems(vision: Mapping[str, Any], text: Mapping[str, Any]) -> list[str]:
    problems = []
    if not isinstance(vision["layers"], int):
        problems.append(f"vision_cfg.layers is {vision['layers']!r} (a ResNet)")
    problems += [
        f"vision_cfg.{key} is {vision[key]!r}, not square"
        for key in ("image_size", "patch_size")
        if isinstance(vision[key], list) and len(set(vision[key])) != 1
    ]
    if text["pool_type"] == "eos" and text["eos_id"] != END_OF_TEXT:
        problems.append(f"text_cfg.eos_id is {text['eos_id']!r}")
    return problems


def _side(size: Any) -> Any:
    return size[0] if isinstance(size, list) else size
