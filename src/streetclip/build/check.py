"""Everything that can be wrong with an experiment, found before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from lightning.pytorch.accelerators import AcceleratorRegistry

from streetclip.build.model import new_backbone, trained_of
from streetclip.build.remote import cache_of
from streetclip.build.sources import SAMPLE_WORLD
from streetclip.captions.template import Template, load_template
from streetclip.config.schema import DataConfig, Experiment, TrainerConfig
from streetclip.errors import ConfigError, InputError
from streetclip.model.backbone import Backbone
from streetclip.model.depth import check_layer_decay
from streetclip.model.step_check import contradictions
from streetclip.model.trainable import choose_trained
from streetclip.shards.output import check_folder
from streetclip.shards.remote import is_url
from streetclip.zeroshot.protocol import Protocol, load_protocol

T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """What an experiment names, loaded."""

    backbone: Backbone
    template: Template
    protocol: Protocol


def check(options: Experiment) -> Parts:
    """Load what an experiment names, and report all that is wrong with it together.

    Raises:
        ConfigError: Anything is missing or does not fit.
    """
    problems: list[str] = []
    template = _attempt(problems, lambda: load_template(options.data.captions))
    protocol = _attempt(problems, lambda: load_protocol(options.evaluation.protocol))
    backbone = _attempt(problems, lambda: _backbone(options))
    problems += _sources(options) + _numbers(options.data)
    unknown = sorted(set(options.trainer.loggers) - {"csv", "tensorboard"})
    if unknown:
        problems.append(f"trainer.loggers has {', '.join(unknown)}; allowed: csv, tensorboard")
    problems += contradictions(
        options.accumulate.mode,
        negatives=options.loss.negatives,
        micro_batch_size=options.data.micro_batch_size,
    )
    problems += _hardware(options.trainer) + _folders(options)
    problems += _monitor(options)
    if problems:
        raise ConfigError(f"experiment {options.name}", problems)
    assert backbone is not None
    assert template is not None
    assert protocol is not None
    return Parts(backbone, template, protocol)


def _backbone(options: Experiment) -> Backbone:
    backbone = new_backbone(options.model, seed=options.seed, cache=cache_of(options.data.remote))
    choose_trained(backbone, trained_of(options.model), seed=options.seed)
    if options.optim.layer_decay < 1:
        check_layer_decay(backbone)
    return backbone


def _attempt(problems: list[str], load: Callable[[], T]) -> T | None:
    try:
        return load()
    except InputError as error:
        problems.append(str(error))
        return None


def _sources(options: Experiment) -> list[str]:
    data = options.data
    named = {f"evaluation.sets.{name}": path for name, path in options.evaluation.sets.items()}
    if data.source != SAMPLE_WORLD and not _is_address(data):
        named["data.source"] = data.source
    if data.val_source is not None:
        named["data.val_source"] = data.val_source
    if data.shards.opt_out is not None:
        named["data.shards.opt_out"] = data.shards.opt_out
    # What lies at a URL shows when it is opened, by one rank alone.
    return [
        f"{name}: no such file or folder: {path}"
        for name, path in named.items()
        if not is_url(path) and not Path(path).exists()
    ]


def _is_address(data: DataConfig) -> bool:
    return data.order == "resampled" and ("://" in data.source or "{" in data.source)


def _numbers(data: DataConfig) -> list[str]:
    problems = []
    if data.lanes is not None and data.batch_size % data.lanes:
        problems.append(
            f"data.lanes={data.lanes} does not divide data.batch_size={data.batch_size}"
        )
    if data.micro_batch_size is not None and data.batch_size % data.micro_batch_size:
        problems.append(
            f"data.micro_batch_size={data.micro_batch_size} does not divide "
            f"data.batch_size={data.batch_size}"
        )
    return problems


def _hardware(trainer: TrainerConfig) -> list[str]:
    """Lightning would refuse the same, but only after shards were built and a run was begun."""
    wanted, devices = trainer.accelerator, trainer.devices
    if devices != "auto" and not (devices.isdecimal() and int(devices) > 0):
        return [f"trainer.devices must be auto or a number of devices; got: {devices!r}"]
    known = sorted({"auto", "gpu", *AcceleratorRegistry.available_accelerators()})
    if wanted not in known:
        return [f"trainer.accelerator must be one of {', '.join(known)}; got: {wanted!r}"]
    if wanted in ("gpu", "cuda", "mps") and not torch.accelerator.is_available():
        return [f"trainer.accelerator={wanted}, but there is no GPU; set trainer.accelerator=cpu"]
    there = torch.accelerator.device_count()
    if wanted in ("gpu", "cuda") and devices != "auto" and int(devices) > there:
        return [f"trainer.devices={devices}, but this machine has {there} GPUs"]
    return []


def _folders(options: Experiment) -> list[str]:
    problems: list[str] = []
    _attempt(problems, lambda: check_folder(Path(options.runs_dir), "runs_dir"))
    shards = Path(options.data.shards_dir)
    # Shard sets that are there already may lie on a disk that is read-only.
    if not shards.is_dir():
        _attempt(problems, lambda: check_folder(shards, "data.shards_dir"))
    return problems


def _monitor(options: Experiment) -> list[str]:
    monitor, names = options.checkpoint.monitor, {"val", *options.evaluation.sets}
    if "val" in options.evaluation.sets:
        return ["evaluation.sets.val: the name val belongs to data.val_source"]
    if monitor is None or not monitor.startswith("zeroshot/"):
        return []
    name = monitor.split("/")[1]
    if name in names:
        return []
    known = ", ".join(sorted(names))
    return [f"checkpoint.monitor names the set {name}; sets of this experiment: {known}"]
