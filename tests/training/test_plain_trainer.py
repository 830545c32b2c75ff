"""Whoever brings a Trainer and checkpoints of Lightning's own resumes exactly too."""

import json
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from tests.forkedrun import BATCH, MODEL, STEPS

from streetclip.captions.template import load_template
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.model.backbone import create_backbone
from streetclip.model.module import StreetclipModule
from streetclip.shards.layout import open_shard_set
from streetclip.training.cursor import CursorCallback

EPOCHS = 2


class Seen(pl.Callback):
    """Notes which samples each step had, and how often an epoch ended."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, tuple[str, ...]]] = []
        self.epochs_ended: list[int] = []

    def on_train_batch_end(self, trainer: Any, module: Any, out: Any, batch: Any, i: int) -> None:
        self.steps.append((batch["epoch"], batch["step"], tuple(batch["keys"])))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.epochs_ended.append(trainer.current_epoch)


def _fit(shards: Path, folder: Path, resume: Path | None = None) -> tuple[Seen, dict[str, Any]]:
    config = folder / "tiny.json"
    config.write_text(json.dumps(MODEL))
    backbone, seen = create_backbone(str(config), seed=7), Seen()
    data = StreetclipDataModule(
        open_shard_set(shards),
        preprocess=backbone.preprocess,
        tokenize=backbone.tokenize,
        template=load_template("street"),
        batch_size=BATCH,
        window=4,
        seed=3,
    )
    saving = ModelCheckpoint(
        folder / "checkpoints", filename="{step}", every_n_train_steps=1, save_top_k=-1
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=EPOCHS,
        logger=False,
        callbacks=[seen, CursorCallback(), saving],
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    module = StreetclipModule(backbone, lr=1e-2, seed=5, total_steps=50)
    trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    return seen, {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.filterwarnings(
    "ignore:Checkpoint directory",
    "ignore:The .*train_dataloader",
    # Lightning's word of caution: it saves after the step, which is what is wanted here.
    "ignore:Using ModelCheckpoint with manual optimization",
)
def test_every_checkpoint_of_lightnings_own_is_exact(tiny_shards: Path, tmp_path: Path) -> None:
    whole, weights = _fit(tiny_shards, tmp_path)
    assert [step[:2] for step in whole.steps] == [
        (epoch, step) for epoch in range(EPOCHS) for step in range(STEPS)
    ]
    assert whole.epochs_ended == [0, 1]
    for taken in range(1, EPOCHS * STEPS + 1):
        path = tmp_path / "checkpoints" / f"step={taken}.ckpt"
        resumed, same = _fit(tiny_shards, tmp_path, path)
        assert resumed.steps == whole.steps[taken:], taken
        # An epoch whose last batch was taken before the save still has its end to come.
        assert resumed.epochs_ended == [e for e in range(EPOCHS) if taken <= (e + 1) * STEPS]
        assert all(torch.equal(same[name], weights[name]) for name in weights), taken
