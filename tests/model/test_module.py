"""What one optimizer step does, counted, logged and refused, through Lightning's Trainer."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from tests.model.fitting import Record, fit, loader, make_trainer

from streetclip.errors import ConfigError, ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.gather import rank_and_world
from streetclip.model.loss import clip_loss
from streetclip.model.module import StreetclipModule

MakeBatch = Callable[..., dict[str, Any]]

pytestmark = [
    # Lightning 2.6.6 still names a class that torch 2.15 deprecates.
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    # Batches of noise need no loader processes.
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]

LOGGED = {
    "train/loss",
    "train/image_to_text_accuracy",
    "train/text_to_image_accuracy",
    "train/lr",
    "train/logit_scale",
    "train/gradient_norm",
    "train/equal_caption_share",
    "train/negatives",
    "timing/samples_per_s",
}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true"])
def test_a_fresh_run_moves_every_weight_that_it_uses(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, precision: str
) -> None:
    before = copy.deepcopy(tiny.state_dict())
    module = StreetclipModule(tiny, lr=1e-2, warmup_steps=0)
    record = fit(tmp_path, module, [make_batch(0), make_batch(1)], precision=precision)
    after = record.states[-1]
    same = {n for n, v in after.items() if torch.equal(v.float(), before[n].to(v.dtype).float())}
    assert not same
    assert tiny.logit_scale.dtype == torch.float32


def test_the_loss_falls_on_a_batch_seen_again_and_again(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    module = StreetclipModule(tiny, lr=3e-3, schedule="constant")
    record = fit(tmp_path, module, [make_batch(0)] * 12)
    losses = [values["train/loss"] for values in record.metrics]
    assert losses[-1] < losses[0] / 3


@pytest.mark.parametrize(("mode", "negatives"), [("cached", 3), ("plain", 1)])
def test_a_step_logs_what_it_promises_and_counts_once(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, mode: Any, negatives: int
) -> None:
    module = StreetclipModule(
        tiny, lr=1e-3, warmup_steps=2, micro_batch_size=2, accumulate=mode, total_steps=4
    )
    record = fit(tmp_path, module, [make_batch(seed) for seed in range(3)])
    assert record.steps == [1, 2, 3]
    first = record.metrics[0]
    assert set(first) == LOGGED
    assert [values["train/lr"] for values in record.metrics] == pytest.approx([5e-4, 1e-3, 1e-3])
    assert first["train/equal_caption_share"] == 0.5
    assert first["train/negatives"] == negatives
    assert first["train/logit_scale"] == pytest.approx(1 / 0.07)


def test_the_logged_loss_is_that_of_the_batch_before_the_step(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    batch = make_batch(0)
    with torch.no_grad():
        features = tiny.encode_image(batch["image"]), tiny.encode_text(batch["tokens"])
        expected = clip_loss(*features, tiny.logit_scale)
    record = fit(tmp_path, StreetclipModule(tiny), [batch])
    assert record.metrics[0]["train/loss"] == pytest.approx(expected.loss.item(), rel=1e-6)
    accuracy = record.metrics[0]["train/text_to_image_accuracy"]
    assert accuracy == expected.text_to_image_accuracy.item()
    assert record.metrics[0]["train/negatives"] == 3


@pytest.mark.parametrize(("locked", "prefix"), [("lock_image", "clip.visual."), ("lock_text", "")])
def test_a_locked_tower_does_not_move_and_the_other_does(
    tmp_path: Path,
    make_backbone: Callable[..., Backbone],
    make_batch: MakeBatch,
    locked: str,
    prefix: str,
) -> None:
    # A ResNet, because its running statistics must stay as well.
    vision = {"layers": [1, 1, 1, 1], "width": 4, "head_width": 16, "patch_size": None}
    backbone = make_backbone(vision_cfg=vision)
    before = copy.deepcopy(backbone.state_dict())
    options: dict[str, Any] = {locked: True}
    module = StreetclipModule(backbone, lr=1e-2, **options)
    fit(tmp_path, module, [make_batch(0)])
    moved = {n for n, v in backbone.state_dict().items() if not torch.equal(v, before[n])}
    image = {name for name in before if name.startswith("clip.visual.")}
    text = before.keys() - image - {"clip.logit_scale"}
    assert not moved & (image if prefix else text)
    assert moved & (text if prefix else image)
    assert "clip.logit_scale" in moved


def test_both_towers_cannot_be_locked(tiny: Backbone) -> None:
    with pytest.raises(ModelError, match="both towers are locked"):
        StreetclipModule(tiny, lock_image=True, lock_text=True)


def test_impossible_values_of_a_step_are_named_together(tiny: Backbone) -> None:
    with pytest.raises(ConfigError, match=r"(?s)3 problems.*clip_norm is 0.*micro_.*max_logit_sc"):
        StreetclipModule(tiny, clip_norm=0.0, micro_batch_size=0, max_logit_scale=0.5)


def test_gradient_checkpointing_and_evaluation_between_steps_change_no_step(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch
) -> None:
    class Evaluated(StreetclipModule):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.backbone.encode_image(batch["image"])

    plain = StreetclipModule(make_backbone(), lr=1e-3)
    whole = fit(tmp_path, plain, [make_batch(0), make_batch(1)])
    other = Evaluated(make_backbone(), lr=1e-3, gradient_checkpointing=True)
    record = Record()
    trainer = make_trainer(tmp_path, record, val_check_interval=1, num_sanity_val_steps=0)
    batches = [make_batch(0), make_batch(1)]
    trainer.fit(other, loader(batches), loader(batches))
    for name, value in whole.states[-1].items():
        torch.testing.assert_close(record.states[-1][name], value)


class _Poked(Callback):
    """Sets the gradients of a step to what the next one must not see."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        for parameter in pl_module.parameters():
            parameter.grad = torch.full_like(parameter, 1e6)


@pytest.mark.parametrize("micro", [1, 3])
def test_cached_passes_train_the_weights_that_whole_batches_train(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch, micro: int
) -> None:
    options: dict[str, Any] = {"lr": 1e-2, "clip_norm": 0.5, "eps": 1e-3, "warmup_steps": 0}
    batches = [make_batch(seed) for seed in range(3)]
    whole = fit(tmp_path, StreetclipModule(make_backbone().double(), **options), batches)
    cached = StreetclipModule(
        make_backbone().double(), micro_batch_size=micro, gradient_checkpointing=True, **options
    )
    record = fit(tmp_path, cached, batches, _Poked())
    assert whole.metrics[0]["train/gradient_norm"] > 0.5
    for state, expected in zip(record.states, whole.states, strict=True):
        assert state.keys() == expected.keys()
        for name, value in state.items():
            assert float((value - expected[name]).abs().max()) < 1e-12, name
    names = sorted(LOGGED - {"timing/samples_per_s"})
    for ours, theirs in zip(record.metrics, whole.metrics, strict=True):
        assert [ours[n] for n in names] == pytest.approx([theirs[n] for n in names])


def test_cached_passes_in_bf16_train_what_whole_batches_train(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch
) -> None:
    def moved(micro: int | None, **options: Any) -> tuple[dict[str, torch.Tensor], float]:
        module = StreetclipModule(make_backbone(), lr=1e-2, eps=1.0, micro_batch_size=micro)
        before = copy.deepcopy(module.backbone.state_dict())
        record = fit(tmp_path, module, [make_batch(0)], **options)
        after = record.states[-1]
        return {n: after[n] - v for n, v in before.items()}, record.metrics[0]["train/loss"]

    exact, loss = moved(None)
    rounded, rounded_loss = moved(2, precision="bf16-mixed")
    assert rounded_loss == pytest.approx(loss, rel=0.02)
    # With a large eps a step follows the gradient, and not only its sign.
    for name, value in exact.items():
        assert float((rounded[name] - value).norm()) < 0.2 * float(value.norm()) + 1e-7, name


def test_plain_passes_say_once_how_many_negatives_they_leave(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = StreetclipModule(tiny, micro_batch_size=2, accumulate="plain")
    fit(tmp_path, module, [make_batch(0), make_batch(1)])
    [said] = [r.getMessage() for r in caplog.records if r.name.startswith("streetclip")]
    assert "each of 2 passes: a photograph is compared with 1 other captions" in said
    assert "not with the 3 of its batch" in said


def test_cached_passes_and_whole_batches_need_no_warning(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, caplog: pytest.LogCaptureFixture
) -> None:
    fit(tmp_path, StreetclipModule(tiny, micro_batch_size=2), [make_batch(0)])
    fit(tmp_path, StreetclipModule(tiny, accumulate="plain"), [make_batch(0)])
    assert not [record for record in caplog.records if record.name.startswith("streetclip")]


def test_local_negatives_and_cached_passes_are_refused_together(tiny: Backbone) -> None:
    with pytest.raises(ConfigError, match=r"negatives=local .*accumulate.mode=cached across all"):
        StreetclipModule(tiny, negatives="local", micro_batch_size=2)
    StreetclipModule(tiny, negatives="local")
    StreetclipModule(tiny, negatives="local", micro_batch_size=2, accumulate="plain")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["16-mixed", "bf16-mixed"])
@pytest.mark.parametrize("micro", [None, 2])
def test_mixed_precision_learns_on_a_gpu(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, precision: str, micro: int | None
) -> None:
    module = StreetclipModule(tiny, lr=3e-3, schedule="constant", micro_batch_size=micro)
    options = {"accelerator": "gpu", "precision": precision}
    record = fit(tmp_path, module, [make_batch(0)] * 30, **options)
    losses = [values["train/loss"] for values in record.metrics]
    assert losses[-1] < losses[0] / 3


def test_the_logit_scale_stays_within_its_bounds(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    torch.nn.init.constant_(tiny.log_logit_scale, 5.0)
    fit(tmp_path, StreetclipModule(tiny, lr=1e-3), [make_batch(0)])
    assert tiny.log_logit_scale.item() == pytest.approx(math.log(100.0))
    torch.nn.init.constant_(tiny.log_logit_scale, -1.0)
    fit(tmp_path, StreetclipModule(tiny, lr=1e-3), [make_batch(0)])
    assert tiny.log_logit_scale.item() == 0.0


class _Norms(Callback):
    def __init__(self) -> None:
        self.norm = 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        self.norm = float(torch.nn.utils.get_total_norm(gradients))


@pytest.mark.parametrize(("clip_norm", "expected"), [(0.01, 0.01), (None, None)])
def test_gradients_are_clipped_to_the_norm(
    tmp_path: Path,
    tiny: Backbone,
    make_batch: MakeBatch,
    clip_norm: float | None,
    expected: float | None,
) -> None:
    norms = _Norms()
    module = StreetclipModule(tiny, clip_norm=clip_norm)
    record = fit(tmp_path, module, [make_batch(0)], norms)
    logged = record.metrics[0]["train/gradient_norm"]
    assert logged > 0.1
    assert norms.norm == pytest.approx(expected or logged, rel=1e-3)


def test_there_is_one_rank_without_a_process_group() -> None:
    assert rank_and_world() == (0, 1)
