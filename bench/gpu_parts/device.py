"""The device: its peak, its memory, and how long what it was given takes."""

import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from gpu_parts.cases import PEAK_TFLOPS, Case, backbone_of


def wait(device: str) -> None:
    """Until all that was given to the device is done."""
    if device == "cuda":
        torch.cuda.synchronize()


def peak_tflops(device: str) -> tuple[float, str]:
    """Of the device in the precision of training, and where the number comes from."""
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    for known, tflops in PEAK_TFLOPS.items():
        if known in name.split() or known in name:
            return float(tflops), f"{name}, data sheet"
    return _measured(device), f"{name}, largest product of matrices"


def _measured(device: str) -> float:
    side = 8192 if device == "cuda" else 512
    kind = torch.bfloat16 if device == "cuda" else torch.float32
    one, other = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    best = min(seconds(lambda: one @ other, device) for _ in range(5))
    return 2 * side**3 / best / 1e12


def seconds(work: Callable[[], object], device: str) -> float:
    """How long some work takes on the device, by the clock."""
    wait(device)
    begin = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - begin


def pair_flops(case: Case, *, tokens: int) -> float:
    """Of the forward and backward pass of one pair, without what is computed again.

    Counted on shapes alone. The captions are as long as in the batches.
    """
    with torch.device("meta"):
        backbone = backbone_of(Case(case.model, 1))
        shape = backbone.preprocess
        image = torch.empty(1, 3, shape.height, shape.width)
        ids = torch.zeros(1, tokens, dtype=torch.long)
        with FlopCounterMode(display=False) as counter:
            both = backbone.encode_image(image).sum() + backbone.encode_text(ids).sum()
            both.backward()
    return float(counter.get_total_flops())


def peak_gib(device: str) -> float | None:
    """The most memory that tensors held on the device since `forget_peak`."""
    return torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None


def forget_peak(device: str) -> None:
    """Begin to measure memory anew, without what others left."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
