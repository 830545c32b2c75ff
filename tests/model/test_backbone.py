"""Names, files and features of the towers, against open_clip's own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch.utils._python_dispatch import TorchDispatchMode

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone, complete_config, create_backbone, rebuild_backbone
from streetclip.model.spec import spec_of

MODELS = ("tiny_vit_64", "tiny_resnet_64", "tiny_resnet_96")


def test_image_features_equal_open_clips_on_normalized_pixels(tiny: Backbone) -> None:
    image = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(3, 1, 1)
    std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(3, 1, 1)
    pixels = (image / 255 - mean) / std
    reference = tiny.clip.encode_image(pixels, normalize=True)  # type: ignore[operator]
    torch.testing.assert_close(tiny.encode_image(image), reference, rtol=0, atol=1e-6)
    torch.testing.assert_close(tiny.encode_image(image / 255), reference, rtol=0, atol=1e-6)


def test_logit_scale_and_statistics_stay_in_fp32_when_the_rest_is_cast(tiny: Backbone) -> None:
    before = tiny.logit_scale.item()
    tiny.to(torch.bfloat16)
    assert tiny.logit_scale.dtype == torch.float32
    assert tiny.logit_scale.item() == before
    features = tiny.encode_image(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    assert features.dtype == torch.float32
    assert tiny.clip.get_parameter("visual.conv1.weight").dtype == torch.bfloat16
    torch.testing.assert_close(features.norm(dim=1), torch.ones(1))


def test_in_fp64_nothing_is_rounded_to_fp32(tiny: Backbone) -> None:
    exact = tiny.log_logit_scale.item()
    tiny.double()
    with torch.no_grad():
        features = (
            tiny.encode_image(torch.rand(2, 3, 32, 32)),
            tiny.encode_text(tiny.tokenize(["Japan", "Peru"])),
        )
    assert {value.dtype for value in (*features, tiny.logit_scale)} == {torch.float64}
    assert tiny.log_logit_scale.item() == exact
    for rows in features:
        assert not torch.equal(rows.float().double(), rows)
        torch.testing.assert_close(rows.norm(dim=-1), torch.ones(2).double(), rtol=0, atol=1e-14)
    assert tiny.float().logit_scale.dtype == torch.float32


def test_scalars_are_what_belongs_to_no_tower(
    tiny: Backbone, make_backbone: Callable[..., Backbone]
) -> None:
    assert tiny.logit_bias is None
    assert [parameter.item() for parameter in tiny.scalars] == [tiny.log_logit_scale.item()]
    biased = make_backbone(init_logit_bias=-10.0)
    assert biased.logit_bias is not None
    assert biased.logit_bias.item() == -10.0
    assert [round(parameter.item(), 4) for parameter in biased.scalars] == [2.6593, -10.0]


def test_the_logit_scale_is_held_between_one_and_a_number(tiny: Backbone) -> None:
    for start, expected in ((9.0, 50.0), (-1.0, 1.0), (2.0, 7.389056)):
        torch.nn.init.constant_(tiny.log_logit_scale, start)
        tiny.clamp_logit_scale(50.0)
        assert tiny.logit_scale.item() == pytest.approx(expected)


def test_a_seed_decides_new_weights_and_leaves_the_generator_alone(tiny_file: Path) -> None:
    state = torch.get_rng_state()
    first, second = (create_backbone(str(tiny_file), seed=3) for _ in range(2))
    other = create_backbone(str(tiny_file), seed=4)
    name = "visual.conv1.weight"
    assert torch.equal(first.clip.get_parameter(name), second.clip.get_parameter(name))
    assert not torch.equal(first.clip.get_parameter(name), other.clip.get_parameter(name))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_is_rebuilt_from_its_specification_alone(tiny: Backbone, tiny_file: Path) -> None:
    tiny_file.unlink()
    again = rebuild_backbone(tiny.spec, seed=7)
    state = tiny.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())


def test_gradient_checkpointing_changes_no_gradient(tiny_file: Path) -> None:
    gradients = []
    for checkpointing in (False, True):
        model = create_backbone(str(tiny_file), gradient_checkpointing=checkpointing, seed=1)
        image = torch.full((2, 3, 32, 32), 99, dtype=torch.uint8)
        torch.autograd.backward(model.encode_image(image)[:, 0].sum())
        gradients.append(model.clip.get_parameter("visual.conv1.weight").grad)
    torch.testing.assert_close(*gradients)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="no model 'ViT-B32' in open_clip; nearest: ViT-B-32"):
        create_backbone("ViT-B32")


@pytest.mark.parametrize(
    ("name", "pretrained", "message"),
    [
        ("ViT-L-14-336", "openai", "the activation differs.*use the model 'ViT-L-14-336-quickgelu"),
        ("ViT-B-32-quickgelu", "laion2b_s34b_b79k", "no weights 'laion2b_s34b_b79k'"),
        ("ViT-B-32", "laion9b", "no weights 'laion9b' for model 'ViT-B-32'.*laion2b_s34b_b79k"),
        ("ViT-B-32", "missing.safetensors", "no weight file 'missing.safetensors'"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused_before_anything_is_fetched(
    name: str, pretrained: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> str:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("streetclip.model.backbone.download_pretrained", unreachable)
    with pytest.raises(ModelError, match=message):
        create_backbone(name, pretrained=pretrained)


def test_a_hub_that_cannot_be_reached_is_answered_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*_: Any, **__: Any) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.setattr("streetclip.model.backbone.download_pretrained", offline)
    with pytest.raises(ModelError, match=r"cannot be fetched.*no route.*give its path"):
        create_backbone("ViT-B-32-quickgelu", pretrained="openai")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_local_weight_file_is_taken(tiny: Backbone, tiny_file: Path, suffix: str) -> None:
    path = tiny_file.with_suffix(suffix)
    state = {name: value.contiguous() for name, value in tiny.clip.state_dict().items()}
    if suffix == ".pt":
        torch.save(state, path)
    else:
        save_file(state, path)
    model = create_backbone(str(tiny_file), pretrained=str(path), seed=99)
    assert all(torch.equal(model.clip.state_dict()[name], state[name]) for name in state)


def test_preprocessing_beside_a_weight_file_is_taken_and_squashing_is_said(
    tmp_path: Path,
    tiny_config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = rebuild_backbone(spec_of("tiny", tiny_config))
    torch.save(model.clip.state_dict(), tmp_path / "weights.pt")
    numbers = {"mean": [0.5] * 3, "std": [0.25] * 3, "resize_mode": "squash"}
    content = {"model_cfg": tiny_config, "preprocess_cfg": numbers}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(open_clip, "get_model_config", lambda _: tiny_config)
    backbone = create_backbone("ViT-B-32", pretrained=str(tmp_path / "weights.pt"))
    assert backbone.preprocess.std == (0.25, 0.25, 0.25)
    assert "squashed photographs" in caplog.text


def test_a_weight_file_of_another_model_is_refused(
    tiny_file: Path, make_backbone: Callable[..., Backbone]
) -> None:
    path = tiny_file.with_suffix(".pt")
    torch.save(make_backbone(embed_dim=8).clip.state_dict(), path)
    with pytest.raises(ModelError, match=r"(?s)does not fit model.*size mismatch"):
        create_backbone(str(tiny_file), pretrained=str(path))


@pytest.mark.parametrize("name", MODELS)
def test_the_models_for_quick_experiments_embed_photographs_and_captions_alike(
    repository: Path, name: str
) -> None:
    model = create_backbone(str(repository / "experiments" / "models" / f"{name}.json"), seed=0)
    size = model.preprocess.height
    images = model.encode_image(torch.zeros(2, 3, size, size, dtype=torch.uint8))
    texts = model.encode_text(model.tokenize(["a street in France"]))
    assert images.shape == (2, 128)
    assert texts.shape == (1, 128)


def test_defaults_are_written_out_for_comparisons(tiny: Backbone) -> None:
    config = complete_config(tiny.spec)
    assert config["quick_gelu"] is False
    assert config["vision_cfg"]["mlp_ratio"] == 4.0
    assert config["text_cfg"]["context_length"] == 40


def test_what_open_clip_cannot_build_is_named(make_backbone: Callable[..., Backbone]) -> None:
    with pytest.raises(ModelError, match=r"open_clip cannot build model 'tiny'.*depth"):
        make_backbone(vision_cfg={"depth": 3})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_both_towers_train_with_a_fused_attention(tiny: Backbone, dtype: torch.dtype) -> None:
    called: list[str] = []

    class Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            called.append(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    image, tokens = torch.rand(2, 3, 32, 32), tiny.tokenize(["a street in Peru", "Japan"])
    calls = Calls()  # type: ignore[no-untyped-call]
    for encode in (lambda: tiny.encode_image(image), lambda: tiny.encode_text(tokens)):
        called.clear()
        with torch.autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32), calls:
            encode().sum().backward()  # type: ignore[no-untyped-call]
        attention = [name for name in called if "attention" in name]
        forward = "_scaled_dot_product_flash_attention_for_cpu"
        assert forward in attention
        assert f"{forward}_backward" in attention
        assert "_softmax" not in called
