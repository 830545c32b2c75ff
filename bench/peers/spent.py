"""What a process and all that it has started use: CPU time and memory, read from /proc (Linux)."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")


def family(root: int) -> list[int]:
    """A process and those that descend from it, as far as they live.

    Args:
        root: Its number.
    """
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_s(root: int | None = None) -> float:
    """CPU seconds of a process and its family, with those of children that have ended.

    Args:
        root: Its number; None is this process.
    """
    ticks = 0
    for pid in family(os.getpid() if root is None else root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def memory_mib(root: int | None = None) -> float:
    """Mebibytes that a process and its family hold, each shared page once (PSS).

    Args:
        root: Its number; None is this process.
    """
    kib = 0
    for pid in family(os.getpid() if root is None else root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


def measured(work: Callable[[], Any]) -> dict[str, float]:
    """Seconds of CPU, of the whole family, and of the clock.

    Args:
        work: What is to be done.
    """
    cpu, begin = cpu_s(), time.perf_counter()
    work()
    return {"wall_s": time.perf_counter() - begin, "cpu_s": cpu_s() - cpu}
