"""Checkpoints are read back whole, without running code, or refused with the reason."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from streetclip.errors import CheckpointError, ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.weights import (
    ENTRY,
    PREFIX,
    describe_weights,
    load_backbone,
    spec_differences,
    start_from,
    weights_digest,
)


def _checkpoint(backbone: Backbone) -> dict[str, Any]:
    state = {PREFIX + name: value for name, value in backbone.state_dict().items()}
    return {"state_dict": state, ENTRY: describe_weights(backbone.spec, state)}


def _save(path: Path, checkpoint: Any) -> Path:
    torch.save(checkpoint, path)
    return path


def test_a_checkpoint_gives_the_same_model_back(tmp_path: Path, tiny: Backbone) -> None:
    path = _save(tmp_path / "a.ckpt", _checkpoint(tiny))
    again = load_backbone(path)
    assert again.spec == tiny.spec
    assert not again.training
    assert weights_digest(again) == weights_digest(tiny)
    tokens = tiny.tokenize(["a street"])
    assert torch.equal(again.encode_text(tokens), tiny.encode_text(tokens))


def test_the_digest_changes_with_a_single_weight(tiny: Backbone) -> None:
    before = weights_digest(tiny)
    with torch.no_grad():
        tiny.clip.get_parameter("positional_embedding")[0, 0] += 1e-6
    assert weights_digest(tiny) != before


def test_a_damaged_weight_is_found(tmp_path: Path, tiny: Backbone) -> None:
    checkpoint = _checkpoint(tiny)
    path = _save(tmp_path / "a.ckpt", checkpoint)
    raw = bytearray(path.read_bytes())
    weight = checkpoint["state_dict"][f"{PREFIX}clip.visual.conv1.weight"]
    raw[raw.index(weight.detach().numpy().tobytes()) + 17] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(CheckpointError, match="is damaged: its weights have another digest"):
        load_backbone(path)


@pytest.mark.parametrize("raw", [b"", b"not a checkpoint", b"PK\x03\x04" + bytes(100)])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(raw)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_backbone(path)


def test_half_a_checkpoint_is_refused(tmp_path: Path, tiny: Backbone) -> None:
    path = _save(tmp_path / "a.ckpt", _checkpoint(tiny))
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_backbone(path)


class _Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("owned",)


def test_no_code_of_a_checkpoint_is_run(
    tmp_path: Path, tiny: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = _save(tmp_path / "a.ckpt", {**_checkpoint(tiny), "payload": _Malicious()})
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_backbone(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({ENTRY: None}, "is no checkpoint of streetclip"),
        ({ENTRY: {"version": 99}}, "another version; got: 99; allowed: 1"),
        ({ENTRY: {"version": 1}}, "is incomplete; got: 'backbone'"),
    ],
)
def test_other_checkpoints_are_refused(
    tmp_path: Path, tiny: Backbone, change: dict[str, Any], message: str
) -> None:
    path = _save(tmp_path / "a.ckpt", {**_checkpoint(tiny), **change})
    with pytest.raises(CheckpointError, match=message):
        load_backbone(path)


def test_a_list_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is no checkpoint of streetclip"):
        load_backbone(_save(tmp_path / "a.ckpt", [1, 2]))


def test_a_checkpoint_that_does_not_fit_its_own_description_is_refused(
    tmp_path: Path, tiny: Backbone
) -> None:
    checkpoint = _checkpoint(tiny)
    state = checkpoint["state_dict"]
    del state[f"{PREFIX}clip.visual.conv1.weight"]
    checkpoint[ENTRY] = describe_weights(tiny.spec, state)
    path = _save(tmp_path / "a.ckpt", checkpoint)
    with pytest.raises(CheckpointError, match=r"does not fit itself; got: missing: clip.visual"):
        load_backbone(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint '.*none.ckpt'"):
        load_backbone(tmp_path / "none.ckpt")


def test_a_run_starts_from_the_weights_of_another(
    tmp_path: Path, tiny: Backbone, make_backbone: Callable[..., Backbone]
) -> None:
    path = _save(tmp_path / "a.ckpt", _checkpoint(tiny))
    other = make_backbone(seed=99, vision_cfg={"patch_dropout": 0.5})
    assert weights_digest(other) != weights_digest(tiny)
    start_from(other, path)
    assert weights_digest(other) == weights_digest(tiny)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quick_gelu": True}, "quick_gelu is True in the model and False in the checkpoint"),
        (
            {"text_cfg": {"context_length": 32}},
            "text_cfg.context_length is 32 in the model and 40 in the checkpoint",
        ),
        ({"vision_cfg": {"head_width": 32}}, "vision_cfg.head_width is 32 in the model and 16"),
        ({"embed_dim": 8, "quick_gelu": True}, "embed_dim is 8 .*; quick_gelu is True"),
    ],
)
def test_weights_of_another_architecture_are_refused_by_name_of_what_differs(
    tmp_path: Path,
    tiny: Backbone,
    make_backbone: Callable[..., Backbone],
    changes: dict[str, Any],
    message: str,
) -> None:
    path = _save(tmp_path / "a.ckpt", _checkpoint(tiny))
    with pytest.raises(ModelError, match=message):
        start_from(make_backbone(**changes), path)


def test_weights_of_other_shapes_are_refused(tmp_path: Path, tiny: Backbone) -> None:
    checkpoint = _checkpoint(tiny)
    state = checkpoint["state_dict"]
    state[f"{PREFIX}clip.positional_embedding"] = torch.zeros(1, 32)
    state[f"{PREFIX}clip.surplus"] = torch.zeros(1)
    checkpoint[ENTRY] = describe_weights(tiny.spec, state)
    path = _save(tmp_path / "a.ckpt", checkpoint)
    with pytest.raises(ModelError, match=r"unknown: clip.surplus; .*has shape \[1, 32\], not"):
        start_from(tiny, path)


def test_defaults_that_are_written_out_are_no_difference(
    tiny: Backbone, make_backbone: Callable[..., Backbone]
) -> None:
    other = make_backbone(quick_gelu=False, vision_cfg={"mlp_ratio": 4.0})
    assert spec_differences(tiny.spec, other.spec) == []
