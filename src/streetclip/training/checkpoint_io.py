"""Checkpoint files: written atomically, read without running code, checked before use."""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO

from streetclip.errors import CheckpointError, StorageError
from streetclip.model.pickled import read_pickled
from streetclip.shards.weights import zip_damage
from streetclip.training.durable import part_of, replace

BEST_NAME = "best.ckpt"
"""The checkpoint with the best monitored value."""

RUN_KEY = "streetclip_run"
"""Where a checkpoint holds what it knows of its run: fingerprint, countries, towns, ..."""

_NAME = re.compile(r"epoch=(\d+)-step=(\d+)\.ckpt")

_log = logging.getLogger(__name__)


def checkpoint_name(epoch: int, step: int) -> str:
    """Name of the checkpoint after so many whole epochs and optimiser steps.

    Example:
        >>> checkpoint_name(2, 310)
        'epoch=002-step=000310.ckpt'
    """
    return f"epoch={epoch:03d}-step={step:06d}.ckpt"


def checkpoint_step(path: Path) -> int | None:
    """Optimiser steps in a checkpoint's name, or None for a file that is named otherwise.

    Example:
        >>> checkpoint_step(Path("epoch=002-step=000310.ckpt"))
        310
    """
    match = _NAME.fullmatch(path.name)
    return int(match[2]) if match else None


def step_of(path: Path) -> int:
    """Optimiser steps of a checkpoint, however it is named.

    Args:
        path: A whole checkpoint.
    """
    step = checkpoint_step(path)
    # Nothing lies on the device "meta", so that no weight is read.
    return int(read_checkpoint(path, map_location="meta")["global_step"]) if step is None else step


def checkpoints(folder: Path) -> list[Path]:
    """The numbered checkpoints of a folder, newest first; `best.ckpt` is not among them."""
    if not folder.is_dir():
        return []
    found = [(step, p) for p in folder.iterdir() if (step := checkpoint_step(p)) is not None]
    return [path for _, path in sorted(found, reverse=True)]


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's way to checkpoint files: whole or not at all, and never a pickle that runs code.

    Lightning's own plugin writes to the system's temporary folder and moves the file, which is no
    rename where that folder is on another disk, and loads from http without `weights_only`.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write beside the target, fsync, rename, fsync the folder.

        Raises:
            StorageError: The file could not be written; an older one of the same name is whole.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = part_of(path)
        try:
            with part.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            replace(part, path)
        except (OSError, RuntimeError) as error:  # torch.save turns a full disk into RuntimeError
            part.unlink(missing_ok=True)
            raise StorageError(
                f"{path} could not be written; got: {_of_the_disk(error)}; make room on the disk "
                "and resume: older checkpoints are untouched"
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a local checkpoint; only tensors and plain values can be in it.

        Args:
            path: A local file; a URL is refused.
            map_location: Where tensors go; None is the CPU, from where Lightning distributes them.
            weights_only: True whatever Lightning says.

        Raises:
            CheckpointError: The file is no local file, is damaged, or holds objects that run code.
        """
        return read_checkpoint(path, map_location=map_location)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a checkpoint if it exists."""
        Path(path).unlink(missing_ok=True)


def _of_the_disk(error: BaseException) -> BaseException:
    """What the disk said, where torch then complained that its archive is not complete."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__context__
    return error if cause is None else cause


def read_checkpoint(path: str | Path, *, map_location: Any = None) -> dict[str, Any]:
    """Check and read a local checkpoint.

    Raises:
        CheckpointError: See `AtomicCheckpointIO.load_checkpoint`.
    """
    if "://" in str(path):
        raise CheckpointError(
            "a checkpoint is read from a local file only",
            got=path,
            remedy="fetch it first, for instance with curl, and name the file",
        )
    path = Path(path)
    if (reason := damage(path)) is not None:
        raise CheckpointError(f"{path} cannot be used", got=reason)
    checkpoint = read_pickled(
        path,
        lambda reason: CheckpointError(
            f"{path} is not one of our checkpoints",
            got=reason,
            allowed="tensors and plain values, which torch.load(weights_only=True) reads",
        ),
        map_location=map_location or "cpu",
    )
    if not isinstance(checkpoint, Mapping) or "state_dict" not in checkpoint:
        raise CheckpointError(f"{path} is not one of our checkpoints", allowed="a state_dict in it")
    return dict(checkpoint)


def damage(path: Path) -> str | None:
    """Why a checkpoint is not whole, or None if every member's CRC is right.

    `torch.load` itself compares no checksum: it reads flipped bits as weights.
    """
    if not path.is_file():
        return "no such file"
    return zip_damage(path)


@dataclass(frozen=True)
class Newest:
    """The newest checkpoint that can be used, and the newer ones that cannot.

    Args:
        path: The checkpoint to resume from, or None if there is none.
        refused: Path and reason of each newer one.
    """

    path: Path | None
    refused: tuple[tuple[Path, str], ...] = ()


def newest_whole(folder: Path) -> Newest:
    """Find the newest checkpoint whose checksums pass, and say which were passed over.

    Args:
        folder: The `checkpoints` folder of a run.
    """
    refused: list[tuple[Path, str]] = []
    for path in checkpoints(folder):
        reason = damage(path)
        if reason is None:
            return Newest(path, tuple(refused))
        _log.warning("checkpoint refused: %s (%s)", path, reason)
        refused.append((path, reason))
    return Newest(None, tuple(refused))
