"""What a weight file tells of itself before it is used."""

import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from streetclip.errors import ModelError
from streetclip.model.pretrained import check_weight_file, configuration_beside
from streetclip.model.spec import spec_of


def test_a_file_beside_a_configuration_of_the_other_activation_is_refused(
    tmp_path: Path, tiny_config: dict[str, Any]
) -> None:
    path = tmp_path / "weights.safetensors"
    path.touch()
    beside = tmp_path / "open_clip_config.json"
    beside.write_text(json.dumps({"model_cfg": {"quick_gelu": True}}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"got: GELU in the model; allowed: QuickGELU"):
        check_weight_file(path, spec_of("tiny", tiny_config))
    check_weight_file(path, spec_of("tiny", {**tiny_config, "quick_gelu": True}))


def test_openais_weights_are_known_by_name(tmp_path: Path, tiny_config: dict[str, Any]) -> None:
    folder = tmp_path / "vit_large_patch14_clip_336.openai"
    folder.mkdir()
    path = folder / "model.safetensors"
    path.touch()
    with pytest.raises(ModelError, match="use the model 'ViT-L-14-336-quickgelu'"):
        check_weight_file(path, spec_of("ViT-L-14-336", tiny_config))


@pytest.mark.parametrize(
    "name",
    [
        "vit_b_32-quickgelu-laion400m_e32-46683a32.pt",
        "models--timm--vit_base_patch32_clip_224.openai/snapshots/0a1b/model.safetensors",
    ],
)
def test_quickgelu_is_known_from_file_names_and_from_the_cache_of_a_hub(
    tmp_path: Path, tiny_config: dict[str, Any], name: str
) -> None:
    path = tmp_path / "plain" / name  # The folder of a test is called like the test.
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(ModelError, match="use the model 'ViT-B-32-quickgelu'"):
        check_weight_file(path, spec_of("ViT-B-32", tiny_config))
    check_weight_file(path, spec_of("ViT-B-32", {**tiny_config, "quick_gelu": True}))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_openais_weights_are_known_by_what_else_they_hold(
    tmp_path: Path, tiny_config: dict[str, Any], suffix: str
) -> None:
    names = ("input_resolution", "context_length", "vocab_size", "visual.proj")
    state = {name: torch.tensor([1.0]) for name in names}
    path = tmp_path / "plain" / f"ViT-B-32{suffix}"
    path.parent.mkdir()
    torch.save({"state_dict": state}, path) if suffix == ".pt" else save_file(state, path)
    with pytest.raises(ModelError, match="got: GELU in the model; allowed: QuickGELU"):
        check_weight_file(path, spec_of("ViT-B-32", tiny_config))


def test_weights_of_transformers_are_answered_with_the_name_of_their_folder(
    tmp_path: Path, tiny_config: dict[str, Any]
) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"text_model.final_layer_norm.bias": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=f"name the folder: hf:{tmp_path}"):
        check_weight_file(path, spec_of("ViT-B-32", tiny_config))


def test_gelu_weights_are_refused_by_a_quickgelu_model(
    tmp_path: Path, tiny_config: dict[str, Any]
) -> None:
    path = tmp_path / "weights.pt"
    path.touch()
    (tmp_path / "open_clip_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"use the model 'ViT-B-32' \(GELU\)"):
        check_weight_file(path, spec_of("ViT-B-32-quickgelu", {**tiny_config, "quick_gelu": True}))


def test_it_is_said_when_nothing_tells_the_activation(
    tmp_path: Path, tiny_config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "weights.safetensors"
    path.touch()
    with caplog.at_level(logging.WARNING):
        check_weight_file(path, spec_of("tiny", tiny_config))
    assert "nothing tells which activation" in caplog.text


def test_a_torchscript_archive_is_refused(tmp_path: Path, tiny_config: dict[str, Any]) -> None:
    path = tmp_path / "ViT-B-32.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ViT-B-32/constants.pkl", b"what only TorchScript writes")
    with pytest.raises(ModelError, match="TorchScript archive"):
        check_weight_file(path, spec_of("tiny", tiny_config))


@pytest.mark.parametrize(
    ("name", "message"), [("a.npz", "unknown ending; got: .npz"), ("b.pt", "no weight file")]
)
def test_other_files_are_refused(
    tmp_path: Path, tiny_config: dict[str, Any], name: str, message: str
) -> None:
    (tmp_path / "a.npz").touch()
    with pytest.raises(ModelError, match=message):
        check_weight_file(tmp_path / name, spec_of("tiny", tiny_config))


@pytest.mark.parametrize(("content", "message"), [("{", "no JSON file"), ("[]", "no JSON object")])
def test_a_broken_configuration_beside_the_weights_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "open_clip_config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        configuration_beside(tmp_path / "weights.pt")
