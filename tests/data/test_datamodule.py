import json
import logging
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from tests.data.conftest import data, write_tars
from torch import Tensor, nn

from streetclip.captions.template import Template
from streetclip.data.batch import Batch
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.errors import PlanError, ShardError
from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet

STEPS = 6
Log = list[tuple[int, int, tuple[str, ...], tuple[str, ...], float]]


class Linear(pl.LightningModule):
    """One layer, which remembers the batches that it saw."""

    def __init__(self, log: Log, stop_after: int | None = None) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)
        self.batches = log
        self.stop_after = stop_after

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        if self.stop_after is not None and self.global_step >= self.stop_after:
            raise InterruptedError("killed")
        assert batch["step"] == batch_idx
        assert batch["epoch"] == self.current_epoch
        pixels = batch["image"].float().mean(dim=(2, 3)) / 255
        loss: Tensor = (self.layer(pixels).squeeze(1) - batch["tokens"][:, 0] / 8).square().mean()
        keys, captions = tuple(batch["keys"]), tuple(batch["captions"])
        self.batches.append((batch["epoch"], batch["step"], keys, captions, loss.item()))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Advance(pl.Callback):
    """Moves the cursor behind the batch that was trained on, and saves where it is told to."""

    def __init__(self, save_at: int | None = None, path: Path | None = None) -> None:
        self.save_at = save_at
        self.path = path

    def on_train_batch_end(self, trainer: pl.Trainer, *others: Any) -> None:
        module: Any = trainer
        cursor = module.datamodule.cursor
        cursor.step += 1
        if cursor.step == STEPS:
            cursor.epoch, cursor.step = cursor.epoch + 1, 0
        if trainer.global_step == self.save_at:
            assert self.path is not None
            trainer.save_checkpoint(self.path)


def fit(
    datamodule: StreetclipDataModule,
    *,
    epochs: int = 2,
    stop_after: int | None = None,
    advance: Advance | None = None,
    resume: Path | None = None,
) -> Log:
    log: Log = []
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[advance or Advance()],
        use_distributed_sampler=False,
    )
    model = Linear(log, stop_after)
    checkpoint = str(resume) if resume else None
    if stop_after is None:
        trainer.fit(model, datamodule=datamodule, ckpt_path=checkpoint, weights_only=True)
    else:
        with pytest.raises(InterruptedError, match="killed"):
            trainer.fit(model, datamodule=datamodule, ckpt_path=checkpoint, weights_only=True)
    return log


pytestmark = pytest.mark.filterwarnings(
    # Advice for speed, which a test with two workers on tiny photographs does not need.
    "ignore:The 'train_dataloader' does not have many workers",
    "ignore:`isinstance.treespec, LeafSpec",
)


@pytest.mark.parametrize(
    ("workers", "saved_after", "spread"),
    [(0, 2, False), (0, 5, True), (0, 8, False), (2, 2, True), (2, 5, False), (2, 8, True)],
)
def test_a_killed_run_goes_on_with_the_same_batches_and_losses(
    workers: int,
    saved_after: int,
    spread: bool,
    tmp_path: Path,
    shard_set: ShardSet,
    preprocess: Preprocess,
    template: Template,
) -> None:
    def fresh(count: int = workers) -> StreetclipDataModule:
        return data(shard_set, preprocess, template, workers=count, spread_countries=spread)

    whole = fit(fresh(0))
    assert [(epoch, step) for epoch, step, *_ in whole] == [
        (epoch, step) for epoch in range(2) for step in range(STEPS)
    ]
    path = tmp_path / "stopped.ckpt"
    stopped = fit(fresh(), stop_after=saved_after + 1, advance=Advance(saved_after, path))
    assert stopped == whole[: saved_after + 1]
    assert fit(fresh(), resume=path) == whole[saved_after:]


def test_each_epoch_has_other_captions_and_an_order_of_its_own(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    log = fit(data(shard_set, preprocess, template))
    epochs = [[key for epoch, _, keys, *_ in log if epoch == e for key in keys] for e in range(2)]
    assert epochs[0] != epochs[1]
    assert all(len(set(keys)) == len(keys) == 48 for keys in epochs)


def test_the_resampled_order_trains_and_says_what_it_cannot_do(
    tmp_path: Path, preprocess: Preprocess, template: Template, caplog: pytest.LogCaptureFixture
) -> None:
    write_tars(tmp_path, [20, 20])
    module = data(
        [str(tmp_path / "{000000..000001}.tar")],
        preprocess,
        template,
        order="resampled",
        samples_per_epoch=50,
        shuffle_samples=30,
    )
    with caplog.at_level(logging.WARNING, "streetclip"):
        log = fit(module)
    assert len(log) == 2 * STEPS
    assert "cannot resume exactly" in caplog.text
    assert "streetclip shards index DIR" in caplog.text


def test_the_resampled_order_takes_a_shard_set_too(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    module = data(shard_set, preprocess, template, order="resampled")
    assert module.steps_per_epoch == 6
    assert len(next(iter(module.train_dataloader()))["keys"]) == 8


def test_samples_steps_and_tail_are_logged(
    shard_set: ShardSet,
    preprocess: Preprocess,
    template: Template,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "streetclip"):
        data(shard_set, preprocess, template).train_dataloader()
    assert "50 samples, 6 steps of 8; the last 2 samples" in caplog.text


@pytest.mark.parametrize(
    ("train", "changes", "message"),
    [
        (["a.tar"], {}, "data.order=resampled"),
        (["a.tar"], {"order": "resampled"}, "set data.samples_per_epoch"),
        (["a.tar"], {"order": "random"}, "got: random; allowed: planned, resampled"),
        (None, {"order": "resampled", "spread_countries": True}, "set data.order=planned"),
        (None, {"batch_size": 64, "lanes": 4}, "largest possible data.batch_size is 50"),
    ],
)
def test_data_that_cannot_be_read_in_this_order_is_refused(
    train: Any,
    changes: dict[str, Any],
    message: str,
    shard_set: ShardSet,
    preprocess: Preprocess,
    template: Template,
) -> None:
    with pytest.raises(PlanError, match=message):
        data(train or shard_set, preprocess, template, **changes)


def test_batches_repeat_fewer_countries_where_they_are_spread(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    # 50 photographs of four countries in turn, in batches of 8: with two of each country a batch
    # has four equal pairs, and none has fewer. Lanes leave out two photographs.
    def pairs(*, spread: bool) -> list[int]:
        module = data(shard_set, preprocess, template, window=12, spread_countries=spread)
        numbers = [
            [int(key) % 4 for key in module._dataset()[0, step]["keys"]] for step in range(STEPS)
        ]
        counts = [[batch.count(country) for country in range(4)] for batch in numbers]
        return [sum(n * (n - 1) // 2 for n in batch) for batch in counts]

    assert set(pairs(spread=True)) <= {4, 5}
    assert sum(pairs(spread=False)) > 6 * STEPS


def test_bad_photographs_are_listed_and_too_many_stop_the_run(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    write_tars(tmp_path / "set", [50], broken=[7, 30])
    shards, path = index_shards(tmp_path / "set"), tmp_path / "quarantine.jsonl"
    assert len(fit(data(shards, preprocess, template, quarantine=path), epochs=2)) == 12
    listed = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["key"] for line in listed) == ["0007", "0030"]
    with pytest.raises(ShardError, match=r"too many photographs are bad; got: 2 \(000000"):
        fit(data(shards, preprocess, template, quarantine=path, max_bad_samples=1))


@pytest.mark.slow
def test_workers_of_a_fork_server_give_the_same_batches(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    alone = data(shard_set, preprocess, template).train_dataloader()
    served = data(shard_set, preprocess, template, workers=1, start_method="forkserver")
    pairs = list(zip(alone, served.train_dataloader(), strict=True))
    assert len(pairs) == 6
    assert all(torch.equal(one["image"], two["image"]) for one, two in pairs)
    assert all(one["captions"] == two["captions"] for one, two in pairs)
