"""Steps with gradients that are not finite, and what a checkpoint of the module holds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from tests.model.fitting import Record, fit, loader, make_trainer

from streetclip.errors import CheckpointError, NumericsError
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.module import StreetclipModule
from streetclip.model.spec import spec_of
from streetclip.model.weights import load_backbone, weights_digest

MakeBatch = Callable[..., dict[str, Any]]

pytestmark = [
    # Lightning 2.6.6 still names a class that torch 2.15 deprecates.
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    # Batches of noise need no loader processes.
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


def _poisoned(batch: dict[str, Any]) -> dict[str, Any]:
    return {**batch, "image": torch.full(batch["image"].shape, float("nan"))}


def test_a_step_with_a_gradient_that_is_not_finite_is_skipped_but_counted(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    batches = [make_batch(0), _poisoned(make_batch(1)), make_batch(2)]
    record = fit(tmp_path, StreetclipModule(tiny, lr=1e-3), batches)
    first, second, third = record.states
    assert record.steps == [1, 2, 3]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(second[name], third[name]) for name in first)
    assert all(value.isfinite().all() for value in third.values())


@pytest.mark.parametrize("micro", [None, 2])
def test_a_skipped_step_leaves_nothing_in_the_statistics_of_normalizations(
    tmp_path: Path, tiny_plain: dict[str, Any], make_batch: MakeBatch, micro: int | None
) -> None:
    vision = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 4}
    backbone = rebuild_backbone(spec_of("tiny", {**tiny_plain, "vision_cfg": vision}), seed=7)
    batches = [make_batch(0), _poisoned(make_batch(1)), make_batch(2)]
    record = fit(tmp_path, StreetclipModule(backbone, lr=1e-3, micro_batch_size=micro), batches)
    first, second, third = record.states
    assert any(name.endswith("running_var") for name in first)
    counts = [int(v) for name, v in third.items() if name.endswith("num_batches_tracked")]
    assert set(counts) == {2 * (4 // (micro or 4))}
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(value.isfinite().all() for value in third.values())


def test_three_such_steps_in_a_row_end_the_run_and_name_the_photographs(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    batches = [_poisoned(make_batch(seed)) for seed in (3, 4, 5)]
    with pytest.raises(
        NumericsError,
        match=r"3 steps in a row.*step 5, keys 5_0, 5_1, 5_2, 5_3; not finite by themselves: 5_0, ",
    ):
        fit(tmp_path, StreetclipModule(tiny), batches)
    written = json.loads((tmp_path / "not_finite.json").read_text())
    assert written["keys"] == batches[-1]["keys"]
    assert written["alone"] == batches[-1]["keys"]


def test_two_such_steps_twice_do_not_end_the_run(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    bad, good = _poisoned(make_batch(0)), make_batch(1)
    record = fit(tmp_path, StreetclipModule(tiny), [bad, bad, good, bad, bad])
    assert record.steps[-1] == 5


def test_the_models_own_randomness_follows_from_seed_and_step(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch
) -> None:
    losses = []
    for seed, noise in ((1, 10), (1, 20), (2, 10)):
        torch.manual_seed(noise)
        backbone = make_backbone(vision_cfg={"patch_dropout": 0.5})
        module = StreetclipModule(backbone, seed=seed)
        record = fit(tmp_path, module, [make_batch(0), make_batch(1)])
        losses.append([values["train/loss"] for values in record.metrics])
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


@pytest.mark.parametrize("micro", [None, 2])
def test_a_resumed_run_ends_in_the_weights_of_an_uninterrupted_one(
    tmp_path: Path,
    make_backbone: Callable[..., Backbone],
    make_batch: MakeBatch,
    micro: int | None,
) -> None:
    batches = [make_batch(seed) for seed in range(4)]
    options: dict[str, Any] = {"lr": 1e-3, "total_steps": 8, "micro_batch_size": micro}

    def module() -> StreetclipModule:
        return StreetclipModule(make_backbone(vision_cfg={"patch_dropout": 0.5}), **options)

    whole = fit(tmp_path, module(), batches, max_epochs=2)
    first = make_trainer(tmp_path)
    first.fit(module(), loader(batches))
    first.save_checkpoint(tmp_path / "one.ckpt")
    record, resumed = Record(), module()
    second = make_trainer(tmp_path, record, max_epochs=2)
    second.fit(resumed, loader(batches), ckpt_path=tmp_path / "one.ckpt")
    ours, theirs = record.states[-1], whole.states[-1]
    assert len(record.states) == 4
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [v["train/loss"] for v in record.metrics] == [v["train/loss"] for v in whole.metrics[4:]]


def test_a_checkpoint_of_another_model_is_refused_by_name_of_what_differs(
    tmp_path: Path, tiny: Backbone, make_backbone: Callable[..., Backbone], make_batch: MakeBatch
) -> None:
    trainer = make_trainer(tmp_path)
    trainer.fit(StreetclipModule(tiny), loader([make_batch(0)]))
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    other = StreetclipModule(make_backbone(quick_gelu=True))
    with pytest.raises(CheckpointError, match="quick_gelu is True in the model and False in the"):
        make_trainer(tmp_path).fit(other, loader([make_batch(0)]), ckpt_path=tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="no checkpoint of streetclip"):
        other.on_load_checkpoint({})


@pytest.mark.parametrize("layers", [1, [1, 1, 1, 1]])
def test_a_checkpoint_exports_the_averages_where_weights_are_averaged(
    tmp_path: Path, make_backbone: Callable[..., Backbone], make_batch: MakeBatch, layers: Any
) -> None:
    vision = {"layers": layers, "width": 32 if layers == 1 else 4}
    module = StreetclipModule(make_backbone(vision_cfg=vision), lr=1e-2)
    record, path = Record(), tmp_path / "ema.ckpt"

    class _Save(Callback):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
            trainer.save_checkpoint(path)

    trainer = make_trainer(tmp_path, EMAWeightAveraging(decay=0.5), record, _Save(), max_steps=2)
    trainer.fit(module, loader([make_batch(0), make_batch(1)]))
    current, exported = record.states[-1], load_backbone(path)
    name = "clip.token_embedding.weight"
    # torch copies the first update; the second one is half of each.
    average = (record.states[0][name] + record.states[1][name]) / 2
    torch.testing.assert_close(exported.state_dict()[name], average)
    assert not torch.equal(exported.state_dict()[name], current[name])
    # At the end Lightning puts the averages into the module: the same weights, the same digest.
    assert weights_digest(module.backbone) == weights_digest(exported)
