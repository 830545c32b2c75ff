"""Processes that descend from one process, in whatever group they are."""

import os
import signal
from collections.abc import Mapping
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
    parents = _parents_and_groups()
    return {parents[pid][1] for pid in _family(root, parents) if pid in parents}


def ranks_of(root: int) -> dict[int, int]:
    """The processes of a command that are its ranks: rank to process.

    Args:
        root: The command, which may be rank 0 itself or its launcher.
    """
    parents = _parents_and_groups()
    found: dict[int, int] = {}
    for pid in sorted(_family(root, parents) & parents.keys()):
        variables = _environment(pid)
        is_worker = parents[pid][0] in found.values()
        if "LOCAL_RANK" in variables and not is_worker:
            found.setdefault(int(variables["LOCAL_RANK"]), pid)
    # Who starts the others, or is alone, was not told its own rank.
    return found if 0 in found else {0: root, **found}


def _parents_and_groups() -> dict[int, tuple[int, int]]:
    """Parent and group of every living process."""
    parents: dict[int, tuple[int, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = (int(fields[1]), int(fields[2]))
    return parents


def _family(root: int, parents: Mapping[int, tuple[int, int]]) -> set[int]:
    """A process and all that descend from it."""
    family, grown = {root}, True
    while grown:
        children = {pid for pid, (parent, _) in parents.items() if parent in family}
        grown = not children <= family
        family |= children
    return family


def _environment(pid: int) -> dict[str, str]:
    """What a process was started with."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:  # it has just ended
        return {}
    return dict(entry.split("=", 1) for entry in raw.split("\0") if "=" in entry)
