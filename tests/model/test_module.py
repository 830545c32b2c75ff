"""What one optimizer step does, counted, logged and refused, through Lightning's Trainer."""

import copy
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from torch.utils.data import DataLoader, Dataset

from streetclip.errors import CheckpointError, ConfigError, ModelError, NumericsError
from streetclip.model.backbone import Backbone
from streetclip.model.gather import rank_and_world
from streetclip.model.loss import clip_loss
from streetclip.model.module import StreetclipModule
from streetclip.model.weights import load_backbone, weights_digest

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


class _Batches(Dataset[dict[str, Any]]):
    def __init__(self, batches: Sequence[dict[str, Any]]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.batches[index]


class _Record(Callback):
    """Logged values and weights after each step."""

    def __init__(self) -> None:
        self.metrics: list[dict[str, float]] = []
        self.states: list[dict[str, torch.Tensor]] = []
        self.steps: list[int] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        self.metrics.append({k: float(v) for k, v in trainer.callback_metrics.items()})
        self.states.append(copy.deepcopy(pl_module.backbone.state_dict()))
        self.steps.append(trainer.global_step)


def _loader(batches: Sequence[dict[str, Any]]) -> DataLoader[dict[str, Any]]:
    return DataLoader(_Batches(batches), batch_size=None)


def _trainer(tmp_path: Path, *callbacks: Callback, **options: Any) -> Trainer:
    chosen: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": 1,
        "max_epochs": 1,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "log_every_n_steps": 1,
        "default_root_dir": tmp_path,
        **options,
    }
    return Trainer(callbacks=list(callbacks), **chosen)


def _fit(
    tmp_path: Path,
    module: StreetclipModule,
    batches: Sequence[dict[str, Any]],
    *callbacks: Callback,
    **options: Any,
) -> _Record:
    record = _Record()
    _trainer(tmp_path, record, *callbacks, **options).fit(module, _loader(batches))
    return record


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true"])
def test_a_fresh_run_moves_every_weight_that_it_uses(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, precision: str
) -> None:
    before = copy.deepcopy(tiny.state_dict())
    module = StreetclipModule(tiny, lr=1e-2, warmup_steps=0)
    record = _fit(tmp_path, module, [make_batch(0), make_batch(1)], precision=precision)
    after = record.states[-1]
    same = {n for n, v in after.items() if torch.equal(v.float(), before[n].to(v.dtype).float())}
    assert not same
    assert tiny.logit_scale.dtype == torch.float32


def test_the_loss_falls_on_a_batch_seen_again_and_again(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    module = StreetclipModule(tiny, lr=3e-3, schedule="constant")
    record = _fit(tmp_path, module, [make_batch(0)] * 12)
    losses = [values["train/loss"] for values in record.metrics]
    assert losses[-1] < losses[0] / 3


def test_a_step_logs_what_it_promises_and_counts_once(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    module = StreetclipModule(tiny, lr=1e-3, warmup_steps=2, micro_batch_size=2, total_steps=4)
    record = _fit(tmp_path, module, [make_batch(seed) for seed in range(3)])
    assert record.steps == [1, 2, 3]
    first = record.metrics[0]
    assert set(first) == LOGGED
    assert [values["train/lr"] for values in record.metrics] == pytest.approx([5e-4, 1e-3, 1e-3])
    assert first["train/equal_caption_share"] == 0.5
    assert first["train/negatives"] == 1
    assert first["train/logit_scale"] == pytest.approx(1 / 0.07)


def test_the_logged_loss_is_that_of_the_batch_before_the_step(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    batch = make_batch(0)
    with torch.no_grad():
        features = tiny.encode_image(batch["image"]), tiny.encode_text(batch["tokens"])
        expected = clip_loss(*features, tiny.logit_scale)
    record = _fit(tmp_path, StreetclipModule(tiny), [batch])
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
    _fit(tmp_path, module, [make_batch(0)])
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
    whole = _fit(tmp_path, plain, [make_batch(0), make_batch(1)])
    other = Evaluated(make_backbone(), lr=1e-3, gradient_checkpointing=True)
    record = _Record()
    trainer = _trainer(tmp_path, record, val_check_interval=1, num_sanity_val_steps=0)
    batches = [make_batch(0), make_batch(1)]
    trainer.fit(other, _loader(batches), _loader(batches))
    for name, value in whole.states[-1].items():
        torch.testing.assert_close(record.states[-1][name], value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["16-mixed", "bf16-mixed"])
def test_mixed_precision_learns_on_a_gpu(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, precision: str
) -> None:
    module = StreetclipModule(tiny, lr=3e-3, schedule="constant")
    options = {"accelerator": "gpu", "precision": precision}
    record = _fit(tmp_path, module, [make_batch(0)] * 30, **options)
    losses = [values["train/loss"] for values in record.metrics]
    assert losses[-1] < losses[0] / 3


def test_the_logit_scale_stays_within_its_bounds(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    torch.nn.init.constant_(tiny.log_logit_scale, 5.0)
    _fit(tmp_path, StreetclipModule(tiny, lr=1e-3), [make_batch(0)])
    assert tiny.log_logit_scale.item() == pytest.approx(math.log(100.0))
    torch.nn.init.constant_(tiny.log_logit_scale, -1.0)
    _fit(tmp_path, StreetclipModule(tiny, lr=1e-3), [make_batch(0)])
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
    record = _fit(tmp_path, module, [make_batch(0)], norms)
    logged = record.metrics[0]["train/gradient_norm"]
    assert logged > 0.1
    assert norms.norm == pytest.approx(expected or logged, rel=1e-3)


def _poisoned(batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, "image": torch.full(batch["image"].shape, float("nan"))}


def test_a_step_with_a_gradient_that_is_not_finite_is_skipped_but_counted(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    batches = [make_batch(0), _poisoned(make_batch(1)), make_batch(2)]
    record = _fit(tmp_path, StreetclipModule(tiny, lr=1e-3), batches)
    first, second, third = record.states
    assert record.steps == [1, 2, 3]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(second[name], third[name]) for name in first)
    assert all(value.isfinite().all() for value in third.values())


def test_three_such_steps_in_a_row_end_the_run_and_name_the_photographs(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    batches = [_poisoned(make_batch(seed)) for seed in (3, 4, 5)]
    with pytest.raises(
        NumericsError,
        match=r"3 steps in a row.*step 5, keys 5_0, 5_1, 5_2, 5_3; not finite by themselves: 5_0, ",
    ):
        _fit(tmp_path, StreetclipModule(tiny), batches)
    written = json.loads((tmp_path / "not_finite.json").read_text())
    assert written["keys"] == batches[-1]["keys"]
    assert written["alone"] == batches[-1]["keys"]


def test_two_such_steps_twice_do_not_end_the_run(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    bad, good = _poisoned(make_batch(0)), make_batch(1)
    record = _fit(tmp_path, StreetclipModule(tiny), [bad, bad, good, bad, bad])
    assert record.steps[-1] == 5


def test_the_models_own_randomness_follows_from_seed_and_step(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch
) -> None:
    losses = []
    for seed, noise in ((1, 10), (1, 20), (2, 10)):
        torch.manual_seed(noise)
        backbone = make_backbone(vision_cfg={"patch_dropout": 0.5})
        module = StreetclipModule(backbone, seed=seed)
        record = _fit(tmp_path, module, [make_batch(0), make_batch(1)])
        losses.append([values["train/loss"] for values in record.metrics])
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_resumed_run_ends_in_the_weights_of_an_uninterrupted_one(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch
) -> None:
    batches = [make_batch(seed) for seed in range(4)]
    options: dict[str, Any] = {"lr": 1e-3, "total_steps": 8}

    def module() -> StreetclipModule:
        return StreetclipModule(make_backbone(vision_cfg={"patch_dropout": 0.5}), **options)

    whole = _fit(tmp_path, module(), batches, max_epochs=2)
    first = _trainer(tmp_path)
    first.fit(module(), _loader(batches))
    first.save_checkpoint(tmp_path / "one.ckpt")
    record, resumed = _Record(), module()
    second = _trainer(tmp_path, record, max_epochs=2)
    second.fit(resumed, _loader(batches), ckpt_path=tmp_path / "one.ckpt")
    ours, theirs = record.states[-1], whole.states[-1]
    assert len(record.states) == 4
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [v["train/loss"] for v in record.metrics] == [v["train/loss"] for v in whole.metrics[4:]]


def test_a_checkpoint_of_another_model_is_refused_by_name_of_what_differs(
    tmp_path: Path, tiny: Backbone, make_backbone: Callable[..., Backbone], make_batch: MakeBatch
) -> None:
    trainer = _trainer(tmp_path)
    trainer.fit(StreetclipModule(tiny), _loader([make_batch(0)]))
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    other = StreetclipModule(make_backbone(quick_gelu=True))
    with pytest.raises(CheckpointError, match="quick_gelu is True in the model and False in the"):
        _trainer(tmp_path).fit(other, _loader([make_batch(0)]), ckpt_path=tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="no checkpoint of streetclip"):
        other.on_load_checkpoint({})


@pytest.mark.parametrize("layers", [1, [1, 1, 1, 1]])
def test_a_checkpoint_exports_the_averages_where_weights_are_averaged(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch, layers: Any
) -> None:
    vision = {"layers": layers, "width": 32 if layers == 1 else 4}
    module = StreetclipModule(make_backbone(vision_cfg=vision), lr=1e-2)
    record, path = _Record(), tmp_path / "ema.ckpt"

    class _Save(Callback):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
            trainer.save_checkpoint(path)

    trainer = _trainer(tmp_path, EMAWeightAveraging(decay=0.5), record, _Save(), max_steps=2)
    trainer.fit(module, _loader([make_batch(0), make_batch(1)]))
    current, exported = record.states[-1], load_backbone(path)
    name = "clip.token_embedding.weight"
    # torch copies the first update; the second one is half of each.
    average = (record.states[0][name] + record.states[1][name]) / 2
    torch.testing.assert_close(exported.state_dict()[name], average)
    assert not torch.equal(exported.state_dict()[name], current[name])
    # At the end Lightning puts the averages into the module: the same weights, the same digest.
    assert weights_digest(module.backbone) == weights_digest(exported)


def test_there_is_one_rank_without_a_process_group() -> None:
    assert rank_and_world() == (0, 1)
