"""A tiny run of real parts (32 photographs, towers of width 32) that can be killed and resumed."""

import json
import multiprocessing
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
import webdataset
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers.logger import Logger
from PIL import Image

from streetclip.captions.template import load_template
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.errors import Preempted
from streetclip.evaluation.predictions import SeenPlaces
from streetclip.evaluation.run import EvaluationOptions
from streetclip.model.backbone import create_backbone
from streetclip.model.module import StreetclipModule
from streetclip.shards.index import index_shards
from streetclip.shards.layout import open_shard_set
from streetclip.training.checkpoint import RunCheckpoint
from streetclip.training.checkpoint_io import AtomicCheckpointIO, checkpoint_step, newest_whole
from streetclip.training.cursor import CursorCallback
from streetclip.training.ema import Ema
from streetclip.training.geolocation import GeolocationCallback
from streetclip.training.logger import CsvLogger, tensorboard_logger
from streetclip.training.samples import SampleLog
from streetclip.training.signals import StopSignals
from streetclip.zeroshot.protocol import load_protocol

PLACES = [("FR", "Brittany", "Rennes"), ("JP", "Kyoto", "Uji"), ("PE", "Cusco", "Pisac")]
PHOTOS = 34
BATCH = 8
STEPS = PHOTOS // BATCH
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "layers": 1,
        "width": 32,
        "head_width": 16,
        "patch_size": 8,
        "patch_dropout": 0.25,
    },
    "text_cfg": {"context_length": 40, "width": 32, "heads": 2, "layers": 1},
}


PROTOCOL = """
description: three countries
countries: [FR, JP, PE]
articles: true
country_prompts: A Street View photo in {country}.
city_prompts: A Street View photo close to the town of {city} in {country}.
cities: {per_country: 2}
decoding: greedy
distance: {radius_km: 6371.0088, inclusive: true}
"""


@dataclass(frozen=True)
class Kill:
    """When a run kills itself with SIGKILL.

    Args:
        hook: `batch` (its end), `start` (its start), `epoch` (its end), after the checkpoint.
        step: Optimiser steps taken.
        rank: Of the process that dies.
    """

    hook: str
    step: int
    rank: int = 0


@dataclass(frozen=True)
class TinyRun:
    """What a tiny run does.

    Args:
        shards: Its shard set.
        folder: Its run folder.
        epochs: Passes over the shard set, four steps each.
        max_steps: Lightning's limit on steps.
        every_n_steps: Between checkpoints inside an epoch.
        workers: Loader processes.
        ema: Average the weights.
        ranks: Processes.
        kill: When the run dies, or None.
        evaluate: Evaluate on the training photographs, also after every 3 steps.
        tensorboard: Log to TensorBoard too.
        monitor: What `best.ckpt` follows, its smallest value.
        callbacks: Further callbacks, first in order.
    """

    shards: Path
    folder: Path
    epochs: int = 2
    max_steps: int = -1
    every_n_steps: int = 3
    workers: int = 0
    ema: bool = True
    ranks: int = 1
    kill: Kill | None = None
    evaluate: bool = False
    tensorboard: bool = False
    monitor: str | None = "train/loss"
    callbacks: tuple[pl.Callback, ...] = field(default=())

    def go(self) -> pl.Trainer:
        """Train in this process, from the newest whole checkpoint of the folder if there is one."""
        self.folder.mkdir(exist_ok=True)
        warnings.filterwarnings("ignore", category=PossibleUserWarning)
        # Lightning 2.6.6 asks torch for a class that torch 2.15 has deprecated.
        warnings.filterwarnings("ignore", message=".*LeafSpec")
        config = self.folder / "tiny.json"
        config.write_text(json.dumps(CONFIG))
        backbone = create_backbone(str(config), seed=7)
        module = StreetclipModule(backbone, lr=1e-2, seed=5, total_steps=50)
        data = StreetclipDataModule(
            open_shard_set(self.shards),
            preprocess=backbone.preprocess,
            tokenize=backbone.tokenize,
            template=load_template("street"),
            batch_size=BATCH,
            window=4,
            seed=3,
            workers=self.workers,
        )
        logger, samples = CsvLogger(self.folder), SampleLog(self.folder)
        signals = StopSignals()
        checkpoint = RunCheckpoint(
            self.folder / "checkpoints",
            every_n_steps=self.every_n_steps,
            monitor=self.monitor,
            mode="min",
            logs=[*logger.tables, samples.lines],
            facts={"ema_decay": 0.5 if self.ema else None},
            signals=signals,
        )
        chosen = [*self.callbacks, samples]
        chosen += [self._geolocation(checkpoint)] if self.evaluate else []
        chosen += [CursorCallback(), checkpoint]
        # Checkpoint callbacks come last, in order: a killer that must follow is one as well.
        chosen += [Ema(0.5)] if self.ema else []
        chosen += [Killer(self.kill)] if self.kill else []
        resume = newest_whole(self.folder / "checkpoints").path
        loggers: list[Logger] = [logger]
        if self.tensorboard:
            step = checkpoint_step(resume) if resume else None
            loggers.append(tensorboard_logger(self.folder, resume_step=step))
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=self.ranks,
            strategy="ddp" if self.ranks > 1 else "auto",
            max_epochs=self.epochs,
            max_steps=self.max_steps,
            logger=loggers,
            callbacks=chosen,
            plugins=[AtomicCheckpointIO()],
            log_every_n_steps=1,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=self.folder,
        )
        with signals:
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
        return trainer

    def _geolocation(self, checkpoint: RunCheckpoint) -> GeolocationCallback:
        protocol = self.folder / "protocol.yaml"
        protocol.write_text(PROTOCOL)
        shard_set = open_shard_set(self.shards)
        return GeolocationCallback(
            {"val": shard_set},
            load_protocol(str(protocol)),
            folder=self.folder / "evaluations",
            options=EvaluationOptions(batch_size=16, matching_batch=4, resamples=10),
            seen=SeenPlaces(frozenset(shard_set.countries), shard_set.towns),
            every_n_steps=3,
            between=checkpoint.leave_if_asked,
        )

    def fork(self, *, timeout_s: float = 120.0) -> list[int]:
        """Train in processes forked from this one; the exit codes, negative for a signal."""
        context = multiprocessing.get_context("fork")
        port = _free_port()
        processes = [
            context.Process(target=_rank, args=(self, rank, port), daemon=False)
            for rank in range(self.ranks)
        ]
        for process in processes:
            process.start()
        first = processes[0] if self.kill is None else processes[self.kill.rank]
        first.join(timeout_s)
        for process in processes:
            # What a launcher does: when one rank has died, the others are ended.
            process.join(0.0 if self.kill else timeout_s)
            if process.is_alive():
                process.kill()
                process.join()
        return [process.exitcode or 0 for process in processes]


class Killer(Checkpoint):
    """Ends its process without a word, as `kill -9` does."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "start")

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "batch")

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._maybe(trainer, "epoch")

    def _maybe(self, trainer: pl.Trainer, hook: str) -> None:
        now = Kill(hook, trainer.global_step, trainer.global_rank)
        if now == self._kill:
            os.kill(os.getpid(), signal.SIGKILL)


def _rank(run: TinyRun, rank: int, port: int) -> None:
    if run.ranks > 1:
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.environ |= {"LOCAL_RANK": str(rank), "NODE_RANK": "0", "WORLD_SIZE": str(run.ranks)}
    torch.set_num_threads(1)
    try:
        run.go()
    except Preempted as left:
        sys.exit(left.exit_code)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


free_port = pytest.fixture(_free_port, name="free_port")


@pytest.fixture
def tiny_run(tiny_shards: Path) -> Callable[..., TinyRun]:
    return partial(TinyRun, tiny_shards)


class FakeTrainer(pl.Trainer):
    """A trainer by its type that is where a test puts it, and saves a text file."""

    # What is computed in a real trainer.
    is_global_zero: Any = True
    global_step: Any = 0
    current_epoch: Any = 0
    num_training_batches: Any = 3
    callback_metrics: Any = None
    datamodule: Any = None

    def __init__(self, cursor: Any) -> None:
        self.callback_metrics = {}
        self.datamodule = SimpleNamespace(cursor=cursor, steps_per_epoch=3)

    def save_checkpoint(self, filepath: Any, *_: Any, **__: Any) -> None:
        filepath.parent.mkdir(exist_ok=True)
        filepath.write_text(f"{self.global_step}")


@pytest.fixture(scope="session")
def tiny_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(11)
    for shard in range(2):
        with webdataset.TarWriter(str(folder / f"{shard:06d}.tar")) as tar:
            for number in range(PHOTOS // 2):
                tar.write(_sample(rng, f"s{shard}_{number:03d}"))
    index_shards(folder)
    return folder


def _sample(rng: np.random.Generator, key: str) -> dict[str, Any]:
    place = int(rng.integers(len(PLACES)))
    pixels = rng.integers(0, 120, (40, 40, 3)) + np.eye(3, dtype=np.int64)[place] * 130
    image = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(image, "JPEG")
    country, region, town = PLACES[place]
    metadata: dict[str, Any] = {"latitude": 10.0 + place, "longitude": 20.0}
    metadata |= {"country": country, "region": region, "town": town}
    return {"__key__": key, "jpg": image.getvalue(), "json": json.dumps(metadata).encode()}
