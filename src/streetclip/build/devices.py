"""Where a model computes: one device, or several that share the photographs out."""

import os
from datetime import timedelta
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.strategies.ddp import DDPStrategy

from streetclip.config.benchmark import BenchmarkConfig
from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.training.launch import find_ranks

ACCELERATORS = ("auto", "cpu", "gpu")
# Ranks wait for each other while another command embeds what they need.
_PATIENCE = timedelta(days=1)


def check_devices(accelerator: str, devices: str = "1") -> None:
    """Refuse devices that are not there.

    Args:
        accelerator: `auto`, `cpu` or `gpu`.
        devices: `auto` or a number.

    Raises:
        ModelError: There are no such devices, or not so many.
    """
    if accelerator not in ACCELERATORS:
        raise ModelError("accelerator", got=accelerator, allowed=", ".join(ACCELERATORS))
    if accelerator == "gpu" and not torch.accelerator.is_available():
        raise ModelError("accelerator=gpu, but there is no GPU", remedy="accelerator=cpu")
    if devices != "auto" and not (devices.isdecimal() and int(devices) > 0):
        raise ModelError("devices", got=devices, allowed="auto, or a number of devices")
    there = torch.accelerator.device_count()
    if _on_gpu(accelerator) and devices != "auto" and int(devices) > there:
        raise ModelError(
            f"devices={devices}, but this machine has {there} GPUs", remedy="devices=auto"
        )


def on_device(backbone: Backbone, accelerator: str) -> Backbone:
    """The model in evaluation mode where it shall compute, alone.

    Args:
        backbone: Of `named_backbone`.
        accelerator: `auto`, `cpu` or `gpu`.

    Raises:
        ModelError: There is no such device.
    """
    check_devices(accelerator)
    device: Any = "cpu"
    if _on_gpu(accelerator):
        device = torch.accelerator.current_accelerator()
    return backbone.to(device).eval()


def launched(options: BenchmarkConfig) -> Fabric:
    """The processes of a benchmark: this one, those that it starts now, or those of a launcher.

    A process that is started runs the same command again, as Lightning's Trainer does it.

    Args:
        options: Of the benchmark; under torchrun or srun these decide how many processes there are.
    """
    ranks = find_ranks()
    nodes, devices = 1, _devices(options)
    if ranks.environment is not None and ranks.world > 1:
        local = os.environ.get("LOCAL_WORLD_SIZE")
        nodes = int(os.environ.get("SLURM_NNODES", "1")) if local is None else 0
        devices = int(local) if local is not None else ranks.world // nodes
        nodes = nodes or ranks.world // devices
    fabric = Fabric(
        accelerator=options.accelerator,
        devices=devices,
        num_nodes=nodes,
        # Models are copies that exchange answers only, which are small and lie on the CPU.
        strategy=DDPStrategy(process_group_backend="gloo", timeout=_PATIENCE)
        if devices * nodes > 1
        else "auto",
        precision=options.precision,  # type: ignore[arg-type]  # checked when it was read
        plugins=[ranks.environment] if isinstance(ranks.environment, SLURMEnvironment) else None,
    )
    fabric.launch()
    return fabric


def _on_gpu(accelerator: str) -> bool:
    return accelerator != "cpu" and torch.accelerator.is_available()


def _devices(options: BenchmarkConfig) -> int:
    if options.devices != "auto":
        return int(options.devices)
    return torch.accelerator.device_count() if _on_gpu(options.accelerator) else 1
