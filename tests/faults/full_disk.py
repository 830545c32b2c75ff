"""Disks that are full: a small one of our own, or a limit on the size of files."""

import ctypes
import os
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

_NEW_NAMESPACES = 0x10000000 | 0x00020000
"""CLONE_NEWUSER and CLONE_NEWNS of Linux: a mount that only this process and its children see."""
_PRIVATE = 0x40000 | 0x4000
"""MS_PRIVATE and MS_REC."""
BALLAST = "ballast"


def mount_small_disk(folder: Path, size_bytes: int) -> None:
    """Mount a disk in memory for this process and its children alone.

    Args:
        folder: Where; made if it does not exist.
        size_bytes: Of the disk.

    Raises:
        OSError: The machine does not allow it, or the process has threads.
    """
    folder.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _check(libc.unshare(_NEW_NAMESPACES), "unshare")
    for name, text in {
        "setgroups": "deny",
        "uid_map": f"0 {user} 1",
        "gid_map": f"0 {group} 1",
    }.items():
        Path(f"/proc/self/{name}").write_text(text)
    _check(libc.mount(b"none", b"/", None, _PRIVATE, None), "mount")
    options = f"size={size_bytes}".encode()
    _check(libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, options), "mount")


def can_mount(folder: Path) -> bool:
    """Whether this machine allows a small disk; tried in a process of its own.

    Args:
        folder: For the attempt.
    """
    child = os.fork()
    if child == 0:
        try:
            mount_small_disk(folder, 1 << 20)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


@dataclass
class FillTheDisk(pl.Callback):
    """Leaves little room on the disk of a run's folder from a step on.

    Args:
        folder: On the disk; the ballast goes there.
        step: Optimizer steps taken.
        left_bytes: Room that is left.
    """

    folder: Path
    step: int
    left_bytes: int

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            free = shutil.disk_usage(self.folder).free
            with (self.folder / BALLAST).open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(free - self.left_bytes, 1))


@dataclass
class LimitFiles(pl.Callback):
    """Lets no file of this process grow beyond a size from a step on.

    Args:
        step: Optimizer steps taken.
        largest_bytes: Of a file.
    """

    step: int
    largest_bytes: int

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_bytes, hard))


def _check(answer: int, call: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
