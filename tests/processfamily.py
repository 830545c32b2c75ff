"""Processes that descend from one process, in whatever group they are."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def kill_family(root: int) -> None:
    """Kill the process groups of a process that was started here, and of all that descend from it.

    Args:
        root: The first process, a leader of its group; it may have ended.
    """
    # A process that was just forked is still in the group of whoever forked it.
    for group in process_groups(root) - {os.getpgrp()}:
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(group, signal.SIGKILL)


def process_groups(root: int) -> set[int]:
    """Process groups of a process and of all that descend from it: torchrun gives ranks their own.

    Args:
        root: The first process.
    """
    parents: dict[int, tuple[int, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = (int(fields[1]), int(fields[2]))
    family, grown = {root}, True
    while grown:
        children = {pid for pid, (parent, _) in parents.items() if parent in family}
        grown = not children <= family
        family |= children
    return {parents[pid][1] for pid in family if pid in parents}
