"""In which precision a run computes, where its options leave that to the device."""

from collections.abc import Iterable
from dataclasses import replace

import torch

from streetclip.config.schema import Experiment, TrainerConfig
from streetclip.training.launch import decide

AUTO = "auto"
BF16_CAPABILITY = 8
"""Compute capability (major) from which a CUDA device multiplies in bf16 by itself."""


def with_precision(options: Experiment) -> Experiment:
    """The options with the precision that `auto` becomes, which is part of what the run learns.

    Rank 0 decides for all, so that no rank computes otherwise than the others.

    Args:
        options: Of the experiment; not changed.
    """
    if options.trainer.precision != AUTO:
        return options
    chosen = decide("precision", lambda: {"precision": precision_of(options.trainer)})
    return replace(options, trainer=replace(options.trainer, precision=str(chosen["precision"])))


def precision_of(options: TrainerConfig) -> str:
    """What the options name, or for `auto` the fastest precision that is safe on this machine.

    bf16 has the range of fp32, so that it needs no search for a loss scale; features, loss and
    weights stay in fp32. Where bf16 is emulated it is slower than fp32, and so it is on a CPU.

    Args:
        options: Of the Trainer.

    Returns:
        A precision that Lightning knows.

    Example:
        >>> precision_of(TrainerConfig(accelerator="cpu"))
        '32-true'
        >>> precision_of(TrainerConfig(accelerator="cpu", precision="bf16-mixed"))
        'bf16-mixed'
    """
    if options.precision != AUTO:
        return options.precision
    on_cuda = kind_of_device(options) == "cuda"
    return automatic_precision(_capabilities() if on_cuda else ())


def kind_of_device(options: TrainerConfig) -> str:
    """`cuda` where the Trainer takes CUDA devices, else `cpu`.

    Args:
        options: Of the Trainer.
    """
    wanted = options.accelerator in ("auto", "gpu", "cuda")
    return "cuda" if wanted and torch.cuda.is_available() else "cpu"


def automatic_precision(capabilities: Iterable[int]) -> str:
    """bf16 where all devices have it, else fp32.

    Args:
        capabilities: Major compute capability of each CUDA device; none on a CPU.

    Example:
        >>> automatic_precision([9, 8]), automatic_precision([9, 7]), automatic_precision([])
        ('bf16-mixed', '32-true', '32-true')
    """
    found = list(capabilities)
    return "bf16-mixed" if found and min(found) >= BF16_CAPABILITY else "32-true"


def _capabilities() -> list[int]:
    devices = range(torch.cuda.device_count())
    return [torch.cuda.get_device_capability(device)[0] for device in devices]
