"""Specifications are plain types, and what cannot be built is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from streetclip.errors import ModelError
from streetclip.model.spec import BackboneSpec, read_spec, spec_of


def test_a_specification_survives_json(tiny_config: dict[str, Any]) -> None:
    spec = spec_of("tiny", tiny_config, preprocess={"mean": [0, 0.5, 1], "std": [1, 1, 2]})
    again = BackboneSpec.from_plain(json.loads(json.dumps(spec.to_plain())))
    assert again == spec
    assert again.preprocess.mean == (0.0, 0.5, 1.0)


def test_images_need_not_be_square(tiny_config: dict[str, Any]) -> None:
    tiny_config["vision_cfg"]["image_size"] = (32, 64)
    preprocess = spec_of("tiny", tiny_config).preprocess
    assert (preprocess.height, preprocess.width) == (32, 64)


def test_a_specification_shares_nothing_with_its_source(tiny_config: dict[str, Any]) -> None:
    spec = spec_of("tiny", tiny_config)
    tiny_config["text_cfg"]["context_length"] = 3
    assert spec.context_length == 40


def test_a_file_may_carry_preprocessing_beside_the_model(
    tmp_path: Path, tiny_config: dict[str, Any]
) -> None:
    path = tmp_path / "open_clip_config.json"
    numbers = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    content = {"model_cfg": {**tiny_config, "quick_gelu": True}, "preprocess_cfg": numbers}
    path.write_text(json.dumps(content), encoding="utf-8")
    spec = read_spec(path)
    assert spec.quick_gelu
    assert spec.preprocess.std == (0.25, 0.25, 0.25)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text_cfg": {"hf_tokenizer_name": "roberta"}}, "needs hf_tokenizer_name=roberta"),
        ({"text_cfg": {"hf_model_name": "roberta"}}, "needs hf_model_name=roberta"),
        ({"text_cfg": {"vocab_size": 32000}}, "another tokenizer; got: 32000"),
        ({"multimodal_cfg": {}}, "CoCa"),
    ],
)
def test_what_cannot_be_built_is_refused(
    tiny_config: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        spec_of("tiny", {**tiny_config, **change})


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is no JSON file"), ("[]", "no JSON object"), ("{}", "no embed_dim, vision_cfg, text")],
)
def test_a_file_that_is_no_configuration_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "model.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        read_spec(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model configuration file"):
        read_spec(tmp_path / "none.json")


def test_an_incomplete_description_is_refused(tiny_config: dict[str, Any]) -> None:
    plain = spec_of("tiny", tiny_config).to_plain()
    del plain["preprocess"]["std"]
    with pytest.raises(ModelError, match=r"description of the model is incomplete; got: 'std'"):
        BackboneSpec.from_plain(plain)
