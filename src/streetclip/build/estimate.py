"""What a run needs of its machines: memory, time, photographs a second, room on the disk.

Pure arithmetic on what `model/cost.py` has counted and `build/arithmetic.py` has shared out.
"""

from dataclasses import dataclass, fields

from streetclip.build.arithmetic import Batches
from streetclip.model.cost import Cost

PHOTO_MS = {224: 1.95, 336: 2.21}
"""CPU milliseconds to make a sample of a photograph of 640 x 480 (146 kB) at a size in pixels.

Source: `loader.py` in bench/README.md, both sizes on 2026-11-28.
"""
PHOTO_KB = 153.0
"""Kilobytes of a photograph where nobody knows.

Source: those of 640 x 480 to 1024 x 768 at quality 90 that the loader was measured with.
"""


@dataclass(frozen=True)
class Memory:
    """Bytes on one device while a step is at its highest.

    What kernels need for a moment and what the allocator loses between blocks is not counted.

    Args:
        weights: Of both towers.
        gradients: Of what is trained.
        buckets: DDP's own copy of the gradients, where there are several ranks.
        optimizer: AdamW's two averages.
        average: The averaged weights, where `optim.ema_decay` is set.
        casts: Half-precision copies of the weights under mixed precision.
        activations: Of one pass.
        photographs: The rank's share of the batch, as 8-bit pixels.
        logits: Similarities of both directions, with their softmax and gradient, in fp32.
    """

    weights: int
    gradients: int
    buckets: int
    optimizer: int
    average: int
    casts: int
    activations: int
    photographs: int
    logits: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(getattr(self, part.name) for part in fields(self))

    def most_rows(self, device_bytes: int, pass_rows: int) -> int:
        """Pairs of the largest pass that fits a device, 0 if none does.

        Args:
            device_bytes: Memory of the device.
            pass_rows: Pairs of the pass that `activations` belongs to.
        """
        left = device_bytes - (self.total - self.activations)
        return max(0, left * pass_rows // self.activations) if self.activations else pass_rows


def memory_of(cost: Cost, batches: Batches, *, image_bytes: int, averages: bool) -> Memory:
    """Estimate the memory of one device.

    Args:
        cost: Of the model.
        batches: Of a step.
        image_bytes: Of one photograph as 8-bit pixels.
        averages: Whether weights are averaged.
    """
    weights = cost.parameters * cost.bytes_per_parameter
    trained = cost.trained * cost.bytes_per_parameter
    seen = batches.rank_batch if batches.mode == "cached" else batches.pass_rows
    return Memory(
        weights=weights,
        gradients=trained,
        buckets=trained if batches.ranks > 1 else 0,
        optimizer=2 * trained,
        average=weights if averages else 0,
        casts=cost.cast_bytes,
        activations=cost.activation_bytes * batches.pass_rows,
        photographs=image_bytes * batches.rank_batch,
        logits=2 * 3 * 4 * seen * (batches.negatives + 1),
    )


@dataclass(frozen=True)
class Compute:
    """Arithmetic of a run.

    Args:
        step_flops: Floating-point operations of a step on one rank, with what is computed twice.
        tflops: Peak of a device, 10^12 operations a second; None where nobody said.
        utilization: Share of the peak that is reached.
        step_s: Seconds of a step; None without a peak.
        hours: Of the whole run, evaluations not counted; None without a peak.
    """

    step_flops: int
    tflops: float | None
    utilization: float
    step_s: float | None
    hours: float | None


def compute_of(
    cost: Cost, batches: Batches, *, steps: int, tflops: float | None, utilization: float
) -> Compute:
    """Estimate the time of a run.

    Args:
        cost: Of the model.
        batches: Of a step.
        steps: Of the run.
        tflops: Peak of a device, 10^12 operations a second.
        utilization: Share of it that is reached.
    """
    # Cached accumulation makes the features of every pass but the first one twice.
    twice = batches.rank_batch - batches.pass_rows if batches.mode == "cached" else 0
    step_flops = batches.rank_batch * cost.pass_flops + twice * cost.again_flops
    step_s = None if tflops is None else step_flops / (tflops * 1e12 * utilization)
    hours = None if step_s is None else step_s * steps / 3600
    return Compute(step_flops, tflops, utilization, step_s, hours)


@dataclass(frozen=True)
class Input:
    """What the loaders of one rank must give so that its device never waits.

    Args:
        photos_per_s: Photographs a second; None where the time of a step is unknown.
        mb_per_s: Megabytes a second that are read; None likewise.
        cores: That are busy with it; None likewise.
        photo_kb: Kilobytes of a photograph.
        photo_ms: Milliseconds of one core for a photograph.
    """

    photos_per_s: float | None
    mb_per_s: float | None
    cores: float | None
    photo_kb: float
    photo_ms: float


def input_of(batches: Batches, compute: Compute, *, photo_kb: float, photo_ms: float) -> Input:
    """Estimate what the loaders of one rank must give.

    Args:
        batches: Of a step.
        compute: Knows the time of a step.
        photo_kb: Kilobytes of a photograph.
        photo_ms: Milliseconds of one core for a photograph.
    """
    if compute.step_s is None:
        return Input(None, None, None, photo_kb, photo_ms)
    rate = batches.rank_batch / compute.step_s
    return Input(rate, rate * photo_kb / 1e3, rate * photo_ms / 1e3, photo_kb, photo_ms)


def photo_ms(side_px: int) -> float:
    """CPU milliseconds of a photograph at a size, on the line through the two measured sizes.

    Args:
        side_px: Longer side of the images that the model takes.

    Example:
        >>> photo_ms(224), photo_ms(336), round(photo_ms(280), 2)
        (1.95, 2.21, 2.07)
    """
    (small, low), (large, high) = PHOTO_MS.items()
    share = (side_px**2 - small**2) / (large**2 - small**2)
    return low + share * (high - low)


def scene_kb(side_px: int) -> float:
    """Kilobytes of a rendered scene of the sample world.

    Args:
        side_px: Of the square.

    Source: `streetclip shards build` on 40 scenes of 128 px (9.2 kB each) and 20 of 256 (24.6).

    Example:
        >>> scene_kb(128), scene_kb(256)
        (9.2, 24.6)
    """
    return 9.2 + (24.6 - 9.2) * (side_px**2 - 128**2) / (256**2 - 128**2)


@dataclass(frozen=True)
class Disk:
    """Room on the disk.

    Args:
        shards: Bytes of the training photographs.
        checkpoint: Bytes of one checkpoint: weights, averages, optimizer.
        checkpoints: Most of them that a run holds at a time, one that is being written included.
    """

    shards: int
    checkpoint: int
    checkpoints: int


def disk_of(memory: Memory, *, photos: int, photo_kb: float, keep: int, keeps_best: bool) -> Disk:
    """Estimate the room that a run takes.

    Args:
        memory: Of one device.
        photos: To train on.
        photo_kb: Kilobytes of each.
        keep: Newest checkpoints that stay.
        keeps_best: Whether the best one stays besides.
    """
    checkpoint = memory.weights + memory.average + memory.optimizer
    return Disk(round(photos * photo_kb * 1e3), checkpoint, keep + keeps_best + 1)
