"""Each way to train a part of a model: the loss falls, a run goes on exactly, exports fit."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.conftest import Finished
from tests.differences import Difference, difference
from torch import Tensor

from streetclip.build.export import ExportOptions, export
from streetclip.build.model import named_backbone, trained_of
from streetclip.build.pretrain import pretrain
from streetclip.config.load import load_experiment
from streetclip.config.schema import LoraConfig, ModelConfig
from streetclip.errors import ConfigError, ModelError
from streetclip.evaluation.result import read_result
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.lora import KEPT, restore_products
from streetclip.model.module import StreetclipModule
from streetclip.model.trainable import choose_trained
from streetclip.model.weights import PREFIX, weights_digest
from streetclip.training.checkpoint_io import newest_whole, read_checkpoint

WAYS = {
    "products": ("model.lora.rank=2", "model.lora.alpha=4"),
    "products without averages": ("model.lora.rank=2", "optim.ema_decay=null"),
    "last blocks": ("model.last_blocks_image=1", "model.last_blocks_text=1"),
    "locked, by depth": ("model.lock_text=true", "optim.layer_decay=0.5"),
}


def _words(finished: Finished, runs: Path, way: str) -> tuple[str, ...]:
    return (*WAYS[way], f"runs_dir={runs}", "trainer.max_epochs=2")


def _check_exports(path: Path, words: tuple[str, ...], finished: Finished, tmp_path: Path) -> None:
    """Both exports are the model that the run was training, products apart, within 1e-5."""
    checkpoint = dict(read_checkpoint(path))
    unmerged = rebuild_backbone(named_backbone(str(path)).spec)
    choose_trained(unmerged, trained_of(load_experiment(finished.experiment, words).model), seed=99)
    restore_products(checkpoint, unmerged)
    state = {n.removeprefix(PREFIX): value for n, value in checkpoint["state_dict"].items()}
    unmerged.load_state_dict(state)
    expected = _features(unmerged.eval())
    for kind in ("hf", "open_clip"):
        out = export(ExportOptions(str(path), kind, tmp_path / kind))
        features = _features(named_backbone(f"{kind}:{out}").eval())
        torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)


@torch.no_grad()
def _features(backbone: Backbone) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    image = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8, generator=generator)
    texts = ["a street in France", "A street photograph in the town of Lima in Peru."]
    return torch.cat([backbone.encode_image(image), backbone.encode_text(backbone.tokenize(texts))])


@pytest.mark.parametrize(
    "way", ["products", *(pytest.param(way, marks=pytest.mark.slow) for way in list(WAYS)[1:])]
)
def test_a_part_is_trained_and_a_broken_run_goes_on_exactly(
    finished: Finished, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = _words(finished, tmp_path / "whole", way)
    whole = pretrain(load_experiment(finished.experiment, words))

    step = StreetclipModule.training_step

    def stops(self: StreetclipModule, batch: dict[str, object], batch_idx: int) -> None:
        if self.trainer.global_step == 7:
            raise RuntimeError("the power went out")
        step(self, batch, batch_idx)

    words = _words(finished, tmp_path / "broken", way)
    options = load_experiment(finished.experiment, words)
    with monkeypatch.context() as patch:
        patch.setattr(StreetclipModule, "training_step", stops)
        with pytest.raises(RuntimeError, match="the power went out"):
            pretrain(options)
    broken = pretrain(options, resume="auto")
    assert difference(broken, whole) == Difference()

    # What the checkpoint exports is what the run has measured at its end.
    newest = newest_whole(whole / "checkpoints")
    assert newest.path is not None
    backbone = named_backbone(str(newest.path))
    last = sorted((whole / "evaluations").rglob("results.json"))[-1].parent
    assert read_result(last).weights_digest == weights_digest(backbone)
    assert (KEPT in read_checkpoint(newest.path)) is way.startswith("products")
    if way == "products":
        _check_exports(newest.path, words, finished, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["products without averages", "last blocks", "locked, by depth"])
def test_the_loss_of_a_part_falls_and_its_export_is_the_model(
    finished: Finished, tmp_path: Path, way: str
) -> None:
    words = (
        *("optim.schedule=constant", "optim.ema_decay=null", "data.sample_world.photos=160"),
        "optim.lr=1e-3",
        *(f"runs_dir={tmp_path}", "trainer.max_epochs=6", "trainer.loggers=[csv]"),
    )
    run = pretrain(load_experiment(finished.experiment, (*WAYS[way], *words)))
    with (run / "metrics.csv").open(newline="") as file:
        losses = [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]
    epoch = len(losses) // 6
    assert sum(losses[-epoch:]) < sum(losses[:epoch])
    newest = newest_whole(run / "checkpoints")
    assert newest.path is not None
    _check_exports(newest.path, _words(finished, tmp_path, way), finished, tmp_path)


def test_what_cannot_be_trained_is_named_before_anything_is_written(
    finished: Finished, tmp_path: Path
) -> None:
    words = (f"runs_dir={tmp_path}/runs", "model.lora.rank=2", "model.last_blocks_text=1")
    with pytest.raises(ConfigError, match="the text tower can be trained in one way only"):
        pretrain(load_experiment(finished.experiment, words))
    too_many = (f"runs_dir={tmp_path}/runs", "model.last_blocks_image=5")
    with pytest.raises(ConfigError, match=r"model.last_blocks_image; got: 5; allowed: 1 to 1"):
        pretrain(load_experiment(finished.experiment, too_many))
    assert not (tmp_path / "runs").exists()


def test_options_say_what_is_trained() -> None:
    options = ModelConfig(last_blocks_image=2, lock_text=True)
    chosen = trained_of(options)
    assert (chosen.last_blocks, chosen.locked, chosen.lora_rank) == ({"image": 2}, ("text",), None)
    both = trained_of(replace(ModelConfig(), lora=LoraConfig(rank=4, towers=["text", "image"])))
    assert both.lora_towers == ("image", "text")
    with pytest.raises(ModelError, match=r"model.lora.towers; got: sound; allowed: image, text"):
        trained_of(ModelConfig(lora=LoraConfig(towers=["sound"])))
    with pytest.raises(ModelError, match=r"model.lora.towers; got: none"):
        trained_of(ModelConfig(lora=LoraConfig(towers=[])))
    assert trained_of(ModelConfig(lora=LoraConfig(rank=4, dropout=0.1))).lora_dropout == 0.1


def test_options_of_lora_without_a_rank_are_refused() -> None:
    idle = LoraConfig(alpha=8, dropout=0.1, towers=["text"])
    with pytest.raises(ModelError, match=r"change nothing; got: model.lora.alpha, model.lora.dr"):
        trained_of(ModelConfig(lora=idle))
