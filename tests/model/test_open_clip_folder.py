"""Folders for open_clip are read by open_clip itself, and give the same features."""

from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch
from torch.nn import functional as F

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.open_clip_folder import load_open_clip, open_clip_folder, write_open_clip
from streetclip.model.weights import weights_digest


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"quick_gelu": True},
        {"custom_text": True},
        {"vision_cfg": {"layers": [1, 1, 1, 1], "head_width": 64, "width": 16}},
    ],
)
def test_open_clip_reads_the_folder_and_computes_the_same(
    changes: dict[str, object], make_backbone: Callable[..., Backbone], tmp_path: Path
) -> None:
    model = make_backbone(**changes).eval()
    write_open_clip(model, tmp_path)
    theirs, _ = open_clip.create_model_from_pretrained(f"local-dir:{tmp_path}")
    theirs.eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{tmp_path}")
    image = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    mean, std = model.statistics
    captions = ["a street in France", "Japan"]
    with torch.no_grad():
        images = theirs.encode_image((image / 255 - mean) / std, normalize=True)
        texts = theirs.encode_text(tokenizer(captions), normalize=True)
        torch.testing.assert_close(model.encode_image(image), images, rtol=0, atol=1e-6)
        ours = model.encode_text(model.tokenize(captions))
        torch.testing.assert_close(ours, texts, rtol=0, atol=1e-6)
        tokens = model.tokenize(captions)
        assert torch.equal(F.pad(tokens, (0, 40 - tokens.shape[1])), tokenizer(captions))
    assert theirs.logit_scale.exp().item() == pytest.approx(model.logit_scale.item())


def test_what_is_written_is_read_back(tiny: Backbone, tmp_path: Path) -> None:
    write_open_clip(tiny, tmp_path)
    again = load_open_clip(tmp_path)
    assert weights_digest(again) == weights_digest(tiny)
    assert again.preprocess == tiny.preprocess
    assert not again.training


def test_a_folder_that_lacks_a_part_is_refused_with_what_it_is(
    tiny: Backbone, tmp_path: Path
) -> None:
    write_open_clip(tiny, tmp_path)
    (tmp_path / "open_clip_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"holds no model of open_clip; allowed: open_clip_config"):
        open_clip_folder(tmp_path)
    (tmp_path / "config.json").touch()
    with pytest.raises(ModelError, match=f"use hf:{tmp_path}"):
        open_clip_folder(tmp_path)


def test_parts_of_two_models_are_refused(
    tiny: Backbone, make_backbone: Callable[..., Backbone], tmp_path: Path
) -> None:
    write_open_clip(make_backbone(embed_dim=8), tmp_path)
    config = (tmp_path / "open_clip_config.json").read_text()
    (tmp_path / "open_clip_config.json").write_text(
        config.replace('"embed_dim": 8', '"embed_dim": 9')
    )
    with pytest.raises(ModelError, match=r"(?s)does not fit .*size mismatch"):
        load_open_clip(tmp_path)
