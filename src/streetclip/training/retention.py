"""Which checkpoint files of a run's folder stay, and under which names."""

import logging
import os
import shutil
from pathlib import Path

from streetclip.training.checkpoint_io import checkpoint_step, checkpoints
from streetclip.training.durable import part_of, replace

SET_ASIDE = "set_aside"
"""Where checkpoints lie that are newer than the one from which a run went on."""

_log = logging.getLogger(__name__)


def prune(folder: Path, *, keep: int) -> None:
    """Delete all numbered checkpoints but the newest.

    Args:
        folder: The `checkpoints` folder of a run.
        keep: How many stay.
    """
    for path in checkpoints(folder)[keep:]:
        path.unlink()


def set_newer_aside(folder: Path, *, step: int) -> None:
    """Move away what is newer than where a run goes on: it was refused, or not chosen.

    A later resume would take it for the newest of this run, and leave a hole in the logs.

    Args:
        folder: The `checkpoints` folder of a run.
        step: From which the run goes on.
    """
    aside = folder / SET_ASIDE
    for path in checkpoints(folder):
        if (checkpoint_step(path) or 0) > step:
            aside.mkdir(exist_ok=True)
            path.replace(aside / path.name)
            _log.warning("%s is newer than where the run goes on, and lies in %s", path, aside)


def keep_as(source: Path, target: Path) -> None:
    """Give a checkpoint another name too, under which it stays when its own is deleted.

    Args:
        source: The checkpoint.
        target: Replaced, whole or not at all.
    """
    part = part_of(target)
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:  # a disk without hard links
        shutil.copyfile(source, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
    replace(part, target)
