"""Everything that can be wrong with an experiment, found before anything is written."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from lightning.pytorch.accelerators import AcceleratorRegistry

from streetclip.build.arithmetic import batch_problems, ranks_of
from streetclip.build.model import new_backbone, trained_of
from streetclip.build.precision import kind_of_device
from streetclip.build.remote import cache_of
from streetclip.build.sources import SAMPLE_WORLD
from streetclip.captions.template import Template, load_template
from streetclip.config.data import DataConfig
from streetclip.config.schema import Experiment, ProbeConfig, TrainerConfig
from streetclip.data.given import refuse_spread
from streetclip.errors import ConfigError, InputError
from streetclip.evaluation.probe_set import ProbeSet, find_probe
from streetclip.model.backbone import Backbone
from streetclip.model.compiled import check_compiler
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
    probe: ProbeSet | None = None


def check(options: Experiment) -> Parts:
    """Load what an experiment names, and report all that is wrong with it together.

    Raises:
        ConfigError: Anything is missing or does not fit.
    """
    parts, problems = examine(options)
    problems += _sources(options) + _folders(options)
    wrong = words_of_hardware(options.trainer) or _hardware_here(options.trainer)
    problems += wrong or batch_problems(options.data, ranks_of(options.trainer))
    if options.model.compile:
        attempt(problems, lambda: check_compiler(kind_of_device(options.trainer)))
    if problems or parts is None:
        raise ConfigError(f"experiment {options.name}", problems)
    return parts


def examine(options: Experiment, *, weights: bool = True) -> tuple[Parts | None, list[str]]:
    """Load what an experiment names, as far as that depends on no machine.

    Args:
        options: Of the experiment.
        weights: False makes the model on the device "meta", and asks for no weights.

    Returns:
        What could be loaded, if all could be, and what is wrong.
    """
    problems: list[str] = []
    template = attempt(problems, lambda: load_template(options.data.captions))
    protocol = attempt(problems, lambda: load_protocol(options.evaluation.protocol))
    backbone = attempt(problems, lambda: _backbone(options, weights=weights))
    probe = attempt(problems, lambda: _probe(options.evaluation.probe))
    unknown = sorted(set(options.trainer.loggers) - {"csv", "tensorboard"})
    if unknown:
        problems.append(f"trainer.loggers has {', '.join(unknown)}; allowed: csv, tensorboard")
    problems += contradictions(
        options.accumulate.mode,
        negatives=options.loss.negatives,
        micro_batch_size=options.data.micro_batch_size,
    )
    spread = options.data.spread_countries and options.data.order == "resampled"
    attempt(problems, lambda: refuse_spread(wanted=spread))
    problems += _strategy(options.trainer) + _monitor(options)
    if backbone is None or template is None or protocol is None:
        return None, problems
    return Parts(backbone, template, protocol, probe), problems


def _backbone(options: Experiment, *, weights: bool) -> Backbone:
    with nullcontext() if weights else torch.device("meta"):
        backbone = new_backbone(
            options.model,
            seed=options.seed,
            cache=cache_of(options.data.remote),
            weights=weights,
        )
        choose_trained(backbone, trained_of(options.model), seed=options.seed)
    if options.optim.layer_decay < 1:
        check_layer_decay(backbone)
    return backbone


def _probe(options: ProbeConfig) -> ProbeSet | None:
    """Its photographs are listed here by every rank; the first one also decodes them, later."""
    return None if options.source is None else find_probe(Path(options.source), options.templates)


def attempt(problems: list[str], load: Callable[[], T]) -> T | None:
    """The answer of some work, or None and its error noted down.

    Args:
        problems: Takes the message of an `InputError`.
        load: The work.
    """
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


def words_of_hardware(trainer: TrainerConfig) -> list[str]:
    """What no machine understands of the hardware that an experiment asks for.

    Lightning would refuse the same, but only after shards were built and a run was begun.
    """
    wanted, devices = trainer.accelerator, trainer.devices
    if devices != "auto" and not (devices.isdecimal() and int(devices) > 0):
        return [f"trainer.devices must be auto or a number of devices; got: {devices!r}"]
    known = sorted({"auto", "gpu", *AcceleratorRegistry.available_accelerators()})
    if wanted not in known:
        return [f"trainer.accelerator must be one of {', '.join(known)}; got: {wanted!r}"]
    return []


def _strategy(trainer: TrainerConfig) -> list[str]:
    if trainer.strategy == "ddp":
        return []
    reason = "a ViT-L-14-336 takes 7 GB with gradients and optimizer and fits one card"
    remedy = "open an issue if your model does not fit"
    return [f"trainer.strategy={trainer.strategy}; allowed: ddp; {reason}; {remedy}"]


def _hardware_here(trainer: TrainerConfig) -> list[str]:
    wanted, devices = trainer.accelerator, trainer.devices
    if wanted in ("gpu", "cuda", "mps") and not torch.accelerator.is_available():
        return [f"trainer.accelerator={wanted}, but there is no GPU; set trainer.accelerator=cpu"]
    there = torch.accelerator.device_count()
    if wanted in ("gpu", "cuda") and devices != "auto" and int(devices) > there:
        return [f"trainer.devices={devices}, but this machine has {there} GPUs"]
    return []


def _folders(options: Experiment) -> list[str]:
    problems: list[str] = []
    attempt(problems, lambda: check_folder(Path(options.runs_dir), "runs_dir"))
    shards = Path(options.data.shards_dir)
    # Shard sets that are there already may lie on a disk that is read-only.
    if not shards.is_dir():
        attempt(problems, lambda: check_folder(shards, "data.shards_dir"))
    return problems


def _monitor(options: Experiment) -> list[str]:
    monitor, names = options.checkpoint.monitor, {"val", *options.evaluation.sets}
    if "val" in options.evaluation.sets:
        return ["evaluation.sets.val: the name val belongs to data.val_source"]
    if monitor is not None and monitor.startswith("probe/"):
        watched = options.evaluation.probe.source is not None
        return [] if watched else [f"checkpoint.monitor={monitor} needs evaluation.probe.source"]
    if monitor is None or not monitor.startswith("zeroshot/"):
        return []
    name = monitor.split("/")[1]
    if name in names:
        return []
    known = ", ".join(sorted(names))
    return [f"checkpoint.monitor names the set {name}; sets of this experiment: {known}"]
