"""What a dry run takes for granted: machines and photographs that are not here."""

from dataclasses import dataclass, fields
from pathlib import Path

import torch

from streetclip.build.estimate import PHOTO_KB, scene_kb
from streetclip.build.sources import SAMPLE_WORLD
from streetclip.config.data import DataConfig
from streetclip.config.schema import TrainerConfig
from streetclip.errors import InputError
from streetclip.shards.layout import ShardSet, is_shard_set, open_shard_set

GPU_TFLOPS = 790.0
"""Peak of the device that is assumed unless `--tflops` says another: dense products in bf16."""
UTILIZATION = 0.5
"""Share of the peak that is assumed unless `--utilization` says another."""


@dataclass(frozen=True)
class Assumed:
    """What the user says about machines and data that are not here; None looks or assumes.

    Args:
        ranks: Devices over all machines.
        photos: Photographs to train on.
        tflops: Peak of a device, 10^12 operations a second.
        utilization: Share of it that is reached.
        memory_gib: Memory of a device.
        photo_kb: Kilobytes of a photograph.
        photo_ms: Milliseconds of one core for a photograph.
    """

    ranks: int | None = None
    photos: int | None = None
    tflops: float | None = None
    utilization: float | None = None
    memory_gib: float | None = None
    photo_kb: float | None = None
    photo_ms: float | None = None

    def problems(self) -> list[str]:
        """What of it is impossible, by the names of the command's options."""
        found = [
            f"--{part.name.replace('_', '-')} must be above 0; got: {getattr(self, part.name)}"
            for part in fields(self)
            if getattr(self, part.name) is not None and not getattr(self, part.name) > 0
        ]
        if self.utilization is not None and self.utilization > 1:
            found.append(f"--utilization is a share, 1 at most; got: {self.utilization}")
        return found

    def peak(self, trainer: TrainerConfig) -> tuple[float | None, float]:
        """Peak of a device in 10^12 operations a second, if one is known, and the share reached.

        Args:
            trainer: On a CPU no peak is assumed.
        """
        assumed = None if trainer.accelerator == "cpu" else GPU_TFLOPS
        return self.tflops or assumed, self.utilization or UTILIZATION

    def device_bytes(self) -> int | None:
        """Memory of a device: as the user says, or that of the GPU that is here."""
        if self.memory_gib is not None:
            return int(self.memory_gib * 2**30)
        if torch.cuda.is_available():
            return int(torch.cuda.get_device_properties(0).total_memory)
        return None


def assumed_ranks(trainer: TrainerConfig, given: Assumed) -> int:
    """How many ranks a run would have.

    Args:
        trainer: Whose devices are `auto` or a number; they need not be here.
        given: May say another number.

    Raises:
        InputError: Nobody knows.
    """
    if given.ranks is not None:
        return given.ranks
    if trainer.devices != "auto":
        return int(trainer.devices) * trainer.num_nodes
    if trainer.accelerator == "cpu":
        return trainer.num_nodes
    there = torch.accelerator.device_count() if torch.accelerator.is_available() else 0
    if not there and trainer.accelerator != "auto":
        raise InputError(
            "trainer.devices=auto, and this machine has no GPU to count",
            remedy="say --ranks N, or trainer.devices=N trainer.num_nodes=M",
        )
    return max(there, 1) * trainer.num_nodes


@dataclass(frozen=True)
class Photographs:
    """What is known of the photographs to train on.

    Args:
        number: In an epoch, before batches are made of them.
        kilobytes: Of each.
    """

    number: int
    kilobytes: float


def photographs(data: DataConfig, given: Assumed) -> Photographs:
    """How many photographs an epoch would have, and how large they are.

    Args:
        data: Of an experiment; its source is looked at where it is a shard set on this machine.
        given: May say other numbers.

    Raises:
        InputError: Nobody knows how many.
    """
    known = _shard_set_here(data.source)
    size = scene_kb(data.sample_world.size_px) if data.source == SAMPLE_WORLD else PHOTO_KB
    if known is not None:
        size = sum(shard.bytes for shard in known.shards) / len(known) / 1e3
    for number in (given.photos, *_numbers(data, known)):
        if number is not None:
            return Photographs(number, given.photo_kb or size)
    raise InputError(
        f"how many photographs data.source has cannot be told from here: {data.source}",
        remedy="say --photos N, or set data.expected_photos",
    )


def _numbers(data: DataConfig, known: ShardSet | None) -> list[int | None]:
    """What is known of the number, the surest first."""
    return [
        data.samples_per_epoch if data.order == "resampled" else None,
        None if known is None else len(known),
        data.sample_world.photos if data.source == SAMPLE_WORLD else None,
        data.expected_photos,
    ]


def _shard_set_here(source: str) -> ShardSet | None:
    path = Path(source)
    return open_shard_set(path, split="train") if is_shard_set(path) else None
