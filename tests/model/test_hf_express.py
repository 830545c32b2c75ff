"""What open_clip builds is said in transformers' words, or refused with all that has none."""

from typing import Any

import open_clip
import pytest

from streetclip.model.backbone import complete_config
from streetclip.model.hf_config import open_clip_config
from streetclip.model.hf_express import transformers_config
from streetclip.model.spec import spec_of


def _complete(config: dict[str, Any]) -> dict[str, Any]:
    return complete_config(spec_of("any", config))


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-L-14-336-quickgelu", "ViT-H-14"])
def test_a_listed_model_comes_back_as_it_was(name: str) -> None:
    complete = _complete(open_clip.get_model_config(name))
    config, problems = transformers_config(complete)
    assert problems == []
    arguments, problems = open_clip_config(config)
    assert problems == []
    assert _complete(arguments) == complete


def test_only_what_training_needs_is_left_out(tiny_config: dict[str, Any]) -> None:
    tiny_config["vision_cfg"]["patch_dropout"] = 0.5
    config, problems = transformers_config(_complete(tiny_config))
    assert problems == []
    assert config["vision_config"]["hidden_act"] == "gelu"
    assert config["text_config"]["max_position_embeddings"] == 40
    assert config["text_config"]["eos_token_id"] == 49407


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"custom_text": True}, ["custom_text is True"]),
        ({"init_logit_bias": -10.0}, ["init_logit_bias is -10.0"]),
        ({"vision_cfg": {"timm_model_name": "resnet10t"}}, ["timm_model_name is 'resnet10t'"]),
        ({"vision_cfg": {"layers": [1, 1, 1, 1]}}, [r"layers is [1, 1, 1, 1] (a ResNet)"]),
        ({"vision_cfg": {"image_size": [32, 64]}}, ["image_size is [32, 64], not square"]),
        ({"vision_cfg": {"norm_kwargs": {"bias": False}}}, ["norm_kwargs is {'bias': False}"]),
        (
            {
                "vision_cfg": {"pool_type": "avg"},
                "text_cfg": {"pool_type": "last", "qk_norm": True},
            },
            ["vision_cfg.pool_type is 'avg'", "qk_norm is True", "text_cfg.pool_type is 'last'"],
        ),
        ({"text_cfg": {"pool_type": "eos"}}, ["text_cfg.eos_id is 2"]),
    ],
)
def test_what_has_no_word_there_is_refused(
    tiny_config: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    for key, value in changes.items():
        tiny_config[key] = {**tiny_config[key], **value} if isinstance(value, dict) else value
    config, problems = transformers_config(_complete(tiny_config))
    assert config == {}
    assert len(problems) == len(expected)
    assert all(any(text in problem for problem in problems) for text in expected)
