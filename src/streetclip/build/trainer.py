"""Lightning's Trainer with our callbacks, loggers and plugins."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.strategies import DDPStrategy

from streetclip.build.precision import precision_of
from streetclip.config.schema import Experiment, TrainerConfig
from streetclip.evaluation.predictions import SeenPlaces
from streetclip.evaluation.probe_set import ProbeSet
from streetclip.evaluation.run import EvaluationOptions
from streetclip.shards.layout import ShardSet
from streetclip.training.checkpoint import RowLog, RunCheckpoint
from streetclip.training.checkpoint_io import AtomicCheckpointIO, step_of
from streetclip.training.cursor import CursorCallback
from streetclip.training.data_wait import DataWait
from streetclip.training.ema import Ema
from streetclip.training.geolocation import GeolocationCallback
from streetclip.training.launch import find_ranks
from streetclip.training.logger import CsvLogger, tensorboard_logger
from streetclip.training.probe import ProbeCallback
from streetclip.training.quiet import LossBar, leave_signals_to_us
from streetclip.training.run_folder import RunFolder
from streetclip.training.samples import SampleLog
from streetclip.training.signals import StopSignals
from streetclip.zeroshot.protocol import Protocol


def make_trainer(
    options: Experiment,
    run: RunFolder,
    *,
    protocol: Protocol,
    train: ShardSet | None,
    sets: Mapping[str, ShardSet],
    fingerprint: Mapping[str, Any],
    checkpoint: Path | None,
    signals: StopSignals | None = None,
    probe: ProbeSet | None = None,
) -> pl.Trainer:
    """Put a Trainer together.

    Args:
        options: Of the experiment.
        run: Where it writes.
        protocol: For the evaluations of the run.
        train: The training photographs; None where nobody knows their places beforehand.
        sets: Photographs to evaluate on, by name.
        fingerprint: What makes it this run.
        checkpoint: Where it continues, or None.
        signals: What asks the run to leave; None is never asked.
        probe: What it shall not forget; None watches nothing.
    """
    loggers, logs = _loggers(options, run, checkpoint)
    samples = [SampleLog(run.path)] if options.data.log_samples else []
    saving = RunCheckpoint(
        run.checkpoints,
        every_n_steps=options.checkpoint.every_n_steps,
        every_n_minutes=options.checkpoint.every_n_minutes,
        keep=options.checkpoint.keep,
        monitor=_monitor(options, sets),
        mode=options.checkpoint.mode,
        logs=[*logs, *(log.lines for log in samples)],
        facts=_facts(options, train, fingerprint),
        signals=signals,
    )
    # First, so that what others do after a step is not taken for a part of it.
    callbacks: list[Callback] = [DataWait(), *samples]
    if sets:
        evaluating = _geolocation(
            options, run, protocol=protocol, train=train, sets=sets, saving=saving
        )
        callbacks.append(evaluating)
    if probe is not None:
        callbacks.append(_probe(options, run, probe=probe, saving=saving))
    if options.optim.ema_decay is not None:
        callbacks.append(Ema(options.optim.ema_decay))
    if options.trainer.progress:
        callbacks.append(LossBar())
    trainer = pl.Trainer(
        **_hardware(options.trainer),
        max_epochs=options.trainer.max_epochs,
        max_steps=options.trainer.max_steps,
        deterministic=options.trainer.deterministic,
        log_every_n_steps=options.trainer.log_every_n_steps,
        logger=loggers,
        callbacks=[*callbacks, CursorCallback(), saving],
        plugins=_plugins(),
        enable_progress_bar=options.trainer.progress,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=run.path,
    )
    if signals is not None:
        leave_signals_to_us(trainer)
    return trainer


def _plugins() -> list[Any]:
    """Our checkpoint files; and under SLURM ranks as srun gives them, but not its requeueing."""
    plugins: list[Any] = [AtomicCheckpointIO()]
    launcher = find_ranks().environment
    if isinstance(launcher, SLURMEnvironment):
        plugins.append(launcher)
    return plugins


def _loggers(
    options: Experiment, run: RunFolder, checkpoint: Path | None
) -> tuple[list[Logger], list[RowLog]]:
    loggers: list[Logger] = []
    logs: list[RowLog] = []
    if "csv" in options.trainer.loggers:
        table = CsvLogger(run.path)
        loggers.append(table)
        logs.extend(table.tables)
    if "tensorboard" in options.trainer.loggers:
        step = step_of(checkpoint) if checkpoint else None
        loggers.append(tensorboard_logger(run.path, resume_step=step))
    return loggers, logs


def _geolocation(
    options: Experiment,
    run: RunFolder,
    *,
    protocol: Protocol,
    train: ShardSet | None,
    sets: Mapping[str, ShardSet],
    saving: RunCheckpoint,
) -> GeolocationCallback:
    evaluation = options.evaluation
    return GeolocationCallback(
        sets,
        protocol,
        folder=run.evaluations,
        options=EvaluationOptions(
            batch_size=evaluation.batch_size,
            max_photos=evaluation.max_photos,
            resamples=evaluation.bootstrap,
        ),
        seen=SeenPlaces(frozenset(train.countries), train.towns) if train else None,
        every_n_steps=evaluation.every_n_steps,
        between=saving.leave_if_asked,
    )


def _probe(
    options: Experiment, run: RunFolder, *, probe: ProbeSet, saving: RunCheckpoint
) -> ProbeCallback:
    evaluation = options.evaluation
    return ProbeCallback(
        probe,
        folder=run.evaluations,
        batch_size=evaluation.batch_size,
        resamples=evaluation.bootstrap,
        every_n_steps=evaluation.every_n_steps,
        between=saving.leave_if_asked,
    )


def _monitor(options: Experiment, sets: Mapping[str, ShardSet]) -> str | None:
    """The value that the best checkpoint follows; none where its photographs are missing."""
    monitor = options.checkpoint.monitor
    if monitor and monitor.startswith("zeroshot/") and monitor.split("/")[1] not in sets:
        return None
    return monitor


def _facts(
    options: Experiment, train: ShardSet | None, fingerprint: Mapping[str, Any]
) -> dict[str, Any]:
    """What a checkpoint says about its run, in plain types."""
    return {
        "fingerprint": dict(fingerprint),
        "ema_decay": options.optim.ema_decay,
        "countries": sorted(train.countries) if train else None,
        "towns": sorted(train.towns) if train else None,
    }


def _hardware(options: TrainerConfig) -> dict[str, Any]:
    devices: int | str = "auto" if options.devices == "auto" else int(options.devices)
    if devices == "auto" and options.accelerator == "cpu":
        # Lightning would take one process and refuse the others that a launcher has started.
        devices = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    world = int(os.environ.get("WORLD_SIZE", "1"))
    several = world > 1 or (isinstance(devices, int) and devices * options.num_nodes > 1)
    return {
        "accelerator": options.accelerator,
        "devices": devices,
        "num_nodes": options.num_nodes,
        "precision": precision_of(options),
        "strategy": DDPStrategy() if several else "auto",
    }
