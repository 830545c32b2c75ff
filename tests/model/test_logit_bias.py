"""A bias is learned, kept and handed on where the loss of single pairs asks for one."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from tests.model.fitting import fit

from streetclip.errors import ModelMismatchError
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.hf_model import write_hf
from streetclip.model.logit_bias import add_logit_bias, train_logit_bias
from streetclip.model.module import StreetclipModule
from streetclip.model.open_clip_folder import load_open_clip, write_open_clip
from streetclip.model.weights import ENTRY, describe_weights, load_backbone, start_from

MakeBatch = Callable[..., dict[str, Any]]

pytestmark = [
    # Lightning 2.6.6 still names a class that torch 2.15 deprecates.
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    # Batches of noise need no loader processes.
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


def _saved(backbone: Backbone, path: Path) -> Path:
    state = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    entry = describe_weights(backbone.spec, state)
    torch.save({"state_dict": state, ENTRY: entry}, path)
    return path


def test_a_new_bias_comes_with_the_scale_that_fits_it(tiny: Backbone) -> None:
    train_logit_bias(tiny, wanted=True)
    assert tiny.logit_bias is not None
    assert tiny.logit_bias.item() == -10
    assert tiny.logit_scale.item() == pytest.approx(10)
    assert [scalar.requires_grad for scalar in tiny.scalars] == [True, True]
    again = rebuild_backbone(tiny.spec, seed=7)
    for name, value in tiny.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_a_bias_that_is_there_keeps_its_value_and_rests_in_a_softmax(
    make_backbone: Callable[..., Backbone],
) -> None:
    backbone = make_backbone(init_logit_bias=-3.0, init_logit_scale=1.0)
    train_logit_bias(backbone, wanted=True)
    assert backbone.scalars[1].requires_grad
    assert backbone.scalars[1].item() == -3
    assert backbone.logit_scale.item() == pytest.approx(math.e)
    train_logit_bias(backbone, wanted=False)
    assert not backbone.scalars[1].requires_grad


def test_a_softmax_adds_no_bias(tiny: Backbone) -> None:
    before = tiny.spec
    StreetclipModule(tiny, loss_kind="multi_positive")
    assert tiny.logit_bias is None
    assert tiny.spec == before


def test_scale_and_bias_stay_in_fp32_where_towers_do_not(tiny: Backbone) -> None:
    add_logit_bias(tiny)
    with torch.no_grad():
        tiny.scalars[1].fill_(-9.999)
    tiny.bfloat16()
    assert [scalar.dtype for scalar in tiny.scalars] == [torch.float32] * 2
    assert tiny.scalars[1].item() == pytest.approx(-9.999, abs=1e-6)
    assert tiny.clip.get_parameter("text_projection").dtype == torch.bfloat16


def test_siglip_trains_the_bias_within_the_bounds_of_the_scale(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    module = StreetclipModule(
        tiny,
        lr=0.1,
        warmup_steps=0,
        schedule="constant",
        loss_kind="siglip",
        max_logit_scale=10.05,
    )
    record = fit(tmp_path, module, [make_batch(0)] * 4)
    biases = [values["train/logit_bias"] for values in record.metrics]
    assert biases[0] == -10
    assert len(set(biases)) == 4
    assert max(values["train/logit_scale"] for values in record.metrics) <= 10.0501
    assert record.metrics[-1]["train/loss"] < record.metrics[0]["train/loss"]


@pytest.mark.parametrize("kind", ["multi_positive", "siglip"])
def test_passes_take_the_step_of_the_whole_batch(
    tmp_path: Path,
    make_backbone: Callable[..., Backbone],
    make_batch: MakeBatch,
    kind: str,
) -> None:
    # Equal captions lie in different passes.
    batch = make_batch(0) | {"caption_id": torch.tensor([1, 2, 1, 3])}
    states = []
    for micro_batch_size in (None, 2):
        module = StreetclipModule(
            make_backbone(),
            lr=1e-2,
            eps=1e-2,
            warmup_steps=0,
            loss_kind=kind,
            micro_batch_size=micro_batch_size,
        )
        states.append(fit(tmp_path, module, [batch]).states[-1])
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_a_checkpoint_gives_the_bias_back(tmp_path: Path, tiny: Backbone) -> None:
    add_logit_bias(tiny)
    with torch.no_grad():
        tiny.scalars[1].fill_(-7.5)
    again = load_backbone(_saved(tiny, tmp_path / "a.ckpt"))
    assert again.scalars[1].item() == -7.5
    assert not again.scalars[1].requires_grad


def test_a_run_starts_from_a_bias_that_another_has_learned(
    tmp_path: Path, tiny: Backbone, make_backbone: Callable[..., Backbone]
) -> None:
    add_logit_bias(tiny)
    with torch.no_grad():
        tiny.scalars[0].fill_(2.0)
        tiny.scalars[1].fill_(-7.5)
    fresh = make_backbone(seed=8)
    start_from(fresh, _saved(tiny, tmp_path / "a.ckpt"))
    train_logit_bias(fresh, wanted=True)
    assert [scalar.item() for scalar in fresh.scalars] == [2.0, -7.5]
    assert fresh.scalars[1].requires_grad


def test_open_clip_reads_an_export_with_its_bias(tmp_path: Path, tiny: Backbone) -> None:
    add_logit_bias(tiny)
    with torch.no_grad():
        tiny.scalars[1].fill_(-7.5)
    write_open_clip(tiny, tmp_path)
    theirs = open_clip.create_model(f"local-dir:{tmp_path}")
    assert theirs.logit_bias.item() == -7.5
    assert theirs.logit_scale.item() == pytest.approx(math.log(10))
    assert load_open_clip(tmp_path).scalars[1].item() == -7.5
    assert (
        json.loads((tmp_path / "open_clip_config.json").read_text())["model_cfg"]["init_logit_bias"]
        == -10
    )


def test_transformers_has_no_word_for_a_bias(tmp_path: Path, tiny: Backbone) -> None:
    add_logit_bias(tiny)
    with pytest.raises(ModelMismatchError, match=r"init_logit_bias is -10.0: .*CLIPModel has none"):
        write_hf(tiny, tmp_path)
    assert not (tmp_path / "config.json").exists()
