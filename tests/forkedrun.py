"""A tiny run of real parts (34 photographs, towers of width 32 and 8), killed and resumed."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.loggers.logger import Logger
from tests.forkedranks import fork_ranks
from tests.killer import Kill, killers
from tests.tinyshards import PHOTOS

from streetclip.captions.template import load_template
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.evaluation.predictions import SeenPlaces
from streetclip.evaluation.run import EvaluationOptions
from streetclip.model.backbone import Backbone, create_backbone
from streetclip.model.module import StreetclipModule
from streetclip.shards.cache import Cache
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

BATCH = 8
STEPS = PHOTOS // BATCH
# The text tower is narrow because its vocabulary is not: most of a checkpoint are its embeddings.
MODEL: Mapping[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "layers": 1,
        "width": 32,
        "head_width": 16,
        "patch_size": 8,
        "patch_dropout": 0.25,
    },
    "text_cfg": {"context_length": 40, "width": 8, "heads": 2, "layers": 1},
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
        evaluate: Evaluate on the training photographs before the first step and after each epoch.
        evaluate_steps: Then also after so many steps.
        tensorboard: Log to TensorBoard too.
        monitor: What `best.ckpt` follows, its smallest value.
        callbacks: Further callbacks, first in order.
        template: Writes the captions.
        model: Configuration of the towers.
        data: Other arguments of the data module than those that a tiny run has.
        module: Likewise of the LightningModule.
        url: Where the shard set is read from instead, through `cache`.
        cache: Of the URL.
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
    evaluate_steps: int | None = 3
    tensorboard: bool = False
    monitor: str | None = "train/loss"
    callbacks: tuple[pl.Callback, ...] = ()
    template: str = "street"
    model: Mapping[str, Any] = field(default_factory=lambda: MODEL)
    data: Mapping[str, Any] = field(default_factory=dict)
    module: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None
    cache: Cache | None = None

    @property
    def checkpoints(self) -> Path:
        """The folder of its checkpoints."""
        return self.folder / "checkpoints"

    def go(self, resume: Path | None = None) -> pl.Trainer:
        """Train in this process, by default from the folder's newest whole checkpoint, if any."""
        _ignore_advice()
        self._write_files()
        backbone = create_backbone(str(self._model_file), seed=7)
        module = StreetclipModule(
            backbone, **{"lr": 1e-2, "seed": 5, "total_steps": 50, **self.module}
        )
        resume = resume or newest_whole(self.checkpoints).path
        data = self._data(backbone)
        with StopSignals() as signals:
            trainer = self._trainer(resume, signals)
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
        return trainer

    def fork(
        self, *, timeout_s: float = 120.0, grace_s: float = 0.0, kill_after_s: float | None = None
    ) -> list[int]:
        """Train in processes forked from this one; the arguments and answers of `fork_ranks`."""
        # Before there are several ranks, of which one would read what another one writes.
        self._write_files()
        return fork_ranks(
            self.go, self.ranks, timeout_s=timeout_s, grace_s=grace_s, kill_after_s=kill_after_s
        )

    @property
    def _model_file(self) -> Path:
        return self.folder / "tiny.json"

    @property
    def _protocol_file(self) -> Path:
        return self.folder / "protocol.yaml"

    def _write_files(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        files = {self._model_file: json.dumps(self.model), self._protocol_file: PROTOCOL}
        for file, text in files.items():
            if not file.exists() or file.read_text() != text:
                file.write_text(text)

    def _data(self, backbone: Backbone) -> StreetclipDataModule:
        options: dict[str, Any] = {"batch_size": BATCH, "window": 4, "seed": 3, **self.data}
        return StreetclipDataModule(
            open_shard_set(self.url or self.shards, cache=self.cache),
            preprocess=backbone.preprocess,
            tokenize=backbone.tokenize,
            template=load_template(self.template),
            workers=self.workers,
            **options,
        )

    def _trainer(self, resume: Path | None, signals: StopSignals) -> pl.Trainer:
        logger, samples = CsvLogger(self.folder), SampleLog(self.folder)
        checkpoint = RunCheckpoint(
            self.checkpoints,
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
        chosen += [Ema(0.5)] if self.ema else []
        chosen += killers(self.kill) if self.kill else []
        loggers: list[Logger] = [logger]
        if self.tensorboard:
            step = checkpoint_step(resume) if resume else None
            loggers.append(tensorboard_logger(self.folder, resume_step=step))
        return pl.Trainer(
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

    def _geolocation(self, checkpoint: RunCheckpoint) -> GeolocationCallback:
        shard_set = open_shard_set(self.shards)
        return GeolocationCallback(
            {"val": shard_set},
            load_protocol(str(self._protocol_file)),
            folder=self.folder / "evaluations",
            options=EvaluationOptions(batch_size=16, matching_batch=4, resamples=10),
            seen=SeenPlaces(frozenset(shard_set.countries), shard_set.towns),
            every_n_steps=self.evaluate_steps,
            between=checkpoint.leave_if_asked,
        )


def _ignore_advice() -> None:
    """Where warnings are errors, these are none."""
    warnings.filterwarnings("ignore", category=PossibleUserWarning)
    # A run may have more loader workers than the machine has cores.
    warnings.filterwarnings("ignore", message=".*worker processes in total")
    # Lightning 2.6.6 asks torch for a class that torch 2.15 has deprecated.
    warnings.filterwarnings("ignore", message=".*LeafSpec")
