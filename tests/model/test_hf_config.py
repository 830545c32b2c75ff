"""Configurations of transformers give open_clip's arguments, or the list of what does not fit."""

import copy
from typing import Any

import open_clip
import pytest
from tests.hfclip import STREETCLIP

from streetclip.model.backbone import complete_config
from streetclip.model.hf_config import open_clip_config
from streetclip.model.spec import spec_of


def _complete(config: dict[str, Any]) -> dict[str, Any]:
    return complete_config(spec_of("any", config))


def test_streetclips_layout_is_open_clips_vit_l_14_336_with_quickgelu() -> None:
    arguments, problems = open_clip_config(STREETCLIP)
    assert problems == []
    listed = open_clip.get_model_config("ViT-L-14-336-quickgelu")
    assert _complete(arguments) == _complete(listed)


def test_an_empty_configuration_is_open_clips_vit_b_32_with_quickgelu() -> None:
    arguments, problems = open_clip_config({})
    assert problems == []
    assert _complete(arguments) == _complete(open_clip.get_model_config("ViT-B-32-quickgelu"))


def test_the_older_form_of_a_tower_wins_with_its_defaults() -> None:
    config = copy.deepcopy(STREETCLIP)
    config["text_config_dict"] = config.pop("text_config")
    config["vision_config_dict"] = config["vision_config"]
    config["vision_config"] = {"hidden_size": 32, "num_hidden_layers": 7}
    config["text_config"] = None
    arguments, problems = open_clip_config(config)
    assert problems == []
    assert arguments == open_clip_config(STREETCLIP)[0]


def test_plain_gelu_another_context_and_another_epsilon_are_taken() -> None:
    config = copy.deepcopy(STREETCLIP)
    for part in ("text_config", "vision_config"):
        config[part]["hidden_act"] = "gelu"
    config["text_config"] |= {"max_position_embeddings": 248, "layer_norm_eps": 1e-6}
    arguments, problems = open_clip_config(config)
    assert problems == []
    assert not arguments["quick_gelu"]
    assert arguments["text_cfg"]["context_length"] == 248
    assert arguments["text_cfg"]["norm_kwargs"] == {"eps": 1e-6}
    assert "norm_kwargs" not in arguments["vision_cfg"]


@pytest.mark.parametrize(("hidden", "intermediate"), [(48, 100), (768, 2049), (49, 50), (7, 6)])
def test_the_width_of_the_inner_layer_survives_open_clips_rounding(
    hidden: int, intermediate: int
) -> None:
    tower = {"hidden_size": hidden, "intermediate_size": intermediate, "num_attention_heads": 1}
    arguments, _ = open_clip_config({"vision_config": tower})
    assert int(hidden * arguments["vision_cfg"]["mlp_ratio"]) == intermediate


def test_everything_that_cannot_be_built_is_named_together() -> None:
    config = copy.deepcopy(STREETCLIP)
    config["model_type"] = "siglip"
    config["text_config"] |= {"hidden_act": "gelu_new", "vocab_size": 32000, "eos_token_id": 1}
    config["vision_config"] |= {"num_channels": 4}
    arguments, problems = open_clip_config(config)
    assert problems == [
        "model_type is 'siglip'; allowed: clip",
        "text.hidden_act is 'gelu_new'; allowed: quick_gelu or gelu",
        "vision.num_channels is 4; allowed: 3",
        "text.vocab_size is 32000; allowed: 49408, CLIP's own",
        "text.eos_token_id is 1; allowed: 49407, or 2 in old files",
    ]
    assert arguments["embed_dim"] == 768


def test_sizes_that_are_none_leave_nothing_to_build() -> None:
    config = copy.deepcopy(STREETCLIP)
    config["projection_dim"] = None
    config["vision_config"] |= {"hidden_size": "wide", "num_hidden_layers": 10**5}
    config["text_config"] |= {"num_attention_heads": 7, "layer_norm_eps": 0, "hidden_size": 768}
    arguments, problems = open_clip_config(config)
    assert arguments == {}
    assert problems == [
        "vision.hidden_size is 'wide', no whole number above 0",
        "vision.num_hidden_layers is 100000",
        "text.hidden_size is no multiple of text.num_attention_heads",
        "text.layer_norm_eps is 0",
        "projection_dim is None, no whole number above 0",
    ]


def test_towers_of_two_activations_are_refused() -> None:
    config = copy.deepcopy(STREETCLIP)
    config["text_config"]["hidden_act"] = "gelu"
    assert open_clip_config(config)[1] == [
        "vision.hidden_act is quick_gelu and text.hidden_act gelu; allowed: one for both"
    ]
