"""Batches from a server that drops connections are those of local files, whole and in order."""

import threading
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from tests.badserver import BadServer
from tests.data.conftest import tokenize

from streetclip.captions.template import Template
from streetclip.data.batch import Batch
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.data.prefetch import Prefetch
from streetclip.records import Preprocess
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.layout import ShardSet, open_shard_set

EFFORT = Effort(timeout_s=20.0, tries=10, pause_s=0.01)


def batches(
    train: Any, preprocess: Preprocess, template: Template, **changes: Any
) -> tuple[list[Batch], dict[str, Any]]:
    values: dict[str, Any] = {"batch_size": 8, "lanes": 4, "window": 6, "seed": 5}
    module = StreetclipDataModule(
        train, preprocess=preprocess, tokenize=tokenize, template=template, **(values | changes)
    )
    found = list(module.train_dataloader())
    module.teardown("fit")
    return found, module.fingerprint()


def assert_equal(first: list[Batch], second: list[Batch]) -> None:
    assert len(first) == len(second) == 6
    for one, two in zip(first, second, strict=True):
        assert (one["keys"], one["captions"]) == (two["keys"], two["captions"])
        assert (one["epoch"], one["step"], one["bad"]) == (two["epoch"], two["step"], two["bad"])
        assert torch.equal(one["image"], two["image"])
        assert torch.equal(one["tokens"], two["tokens"])


@pytest.mark.parametrize("shards_ahead", [0, 2])
def test_a_server_that_drops_every_fifth_connection_gives_the_same_batches(
    shard_set: ShardSet,
    preprocess: Preprocess,
    template: Template,
    tmp_path: Path,
    shards_ahead: int,
) -> None:
    expected = batches(shard_set, preprocess, template)
    # Room for two of the three shards.
    limit = sum(entry.bytes for entry in shard_set.shards) - 1000
    with BadServer(shard_set.root, drop_every=5, seed=8) as server:
        remote = open_shard_set(server.url, cache=Cache(tmp_path / "cache", limit, EFFORT))
        found = batches(remote, preprocess, template, prefetch=Prefetch(shards_ahead, 2))
        assert 0 in {request.status for request in server.requests}
    assert_equal(found[0], expected[0])
    assert found[1] == expected[1]
    assert not _prefetching()


def test_the_resampled_order_reads_urls_through_the_cache(
    shard_set: ShardSet, preprocess: Preprocess, template: Template, tmp_path: Path
) -> None:
    options = {"order": "resampled", "samples_per_epoch": 50}
    expected, _ = batches(shard_set, preprocess, template, **options)
    with BadServer(shard_set.root, drop_every=5, seed=8) as server:
        cache = Cache(tmp_path / "cache", effort=EFFORT)
        urls = [f"{server.url}/{{000000..000002}}.tar"]
        found, _ = batches(urls, preprocess, template, cache=cache, **options)
        again, _ = batches(open_shard_set(server.url, cache=cache), preprocess, template, **options)
        for number in range(3):
            # Once by its URL, once by its digest.
            assert server.statuses(f"{number:06}.tar").count(200) <= 2
    assert_equal(found, expected)
    assert_equal(again, expected)


@pytest.mark.slow
def test_loader_processes_of_a_fork_server_read_urls(
    shard_set: ShardSet, preprocess: Preprocess, template: Template, tmp_path: Path
) -> None:
    expected, _ = batches(shard_set, preprocess, template)
    with BadServer(shard_set.root, drop_every=5, seed=8) as server:
        remote = open_shard_set(server.url, cache=Cache(tmp_path / "cache", effort=EFFORT))
        found, _ = batches(remote, preprocess, template, workers=2)
    assert_equal(found, expected)


class _Broken(pl.LightningModule):
    def training_step(self, batch: Batch, batch_idx: int) -> None:
        assert _prefetching()
        raise RuntimeError("the step is broken")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])


def test_a_run_that_ends_with_an_error_stops_fetching_ahead(
    shard_set: ShardSet, preprocess: Preprocess, template: Template, tmp_path: Path
) -> None:
    with BadServer(shard_set.root) as server:
        remote = open_shard_set(server.url, cache=Cache(tmp_path / "cache", effort=EFFORT))
        module = StreetclipDataModule(
            remote,
            preprocess=preprocess,
            tokenize=tokenize,
            template=template,
            batch_size=8,
            lanes=4,
            window=6,
            prefetch=Prefetch(2, 2),
        )
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        )
        with pytest.raises(RuntimeError, match="the step is broken"):
            trainer.fit(_Broken(), datamodule=module)
        assert not _prefetching()


def _prefetching() -> bool:
    return any(thread.name.startswith("prefetch") for thread in threading.enumerate())
