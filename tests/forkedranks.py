"""Ranks as processes forked from this one: what they import is there already."""

import functools
import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from streetclip.errors import Preempted

_POLL_S = 0.005


def fork_ranks(
    work: Callable[[], object],
    ranks: int,
    *,
    timeout_s: float = 120.0,
    grace_s: float = 0.0,
    kill_after_s: float | None = None,
) -> list[int]:
    """Do some work in forked processes that find each other as Lightning's ranks do.

    Args:
        work: Called in each of them.
        ranks: How many.
        timeout_s: Longest time for all of it, seconds.
        grace_s: As a launcher does, the others are ended once one has failed, so long after it.
        kill_after_s: Kill all of them so long after their start, if they are not done by then.

    Returns:
        Exit codes in the order of ranks, negative for a signal.

    Raises:
        TimeoutError: They were not done in time, and were ended.
    """
    context = multiprocessing.get_context("fork")
    port = free_port()
    processes = [
        context.Process(target=_rank, args=(work, rank, ranks, port), daemon=False)
        for rank in range(ranks)
    ]
    started = time.monotonic()
    for process in processes:
        process.start()
    try:
        _wait(processes, until=started + (timeout_s if kill_after_s is None else kill_after_s))
        if kill_after_s is None and not any(process.exitcode for process in processes):
            _refuse_the_late(processes, timeout_s)
        _wait(processes, until=time.monotonic() + grace_s, all_of_them=True)
    finally:
        end(processes)
    return [process.exitcode or 0 for process in processes]


def in_own_process(test: Callable[..., object]) -> Callable[..., None]:
    """Run a test in a process forked from this one.

    For what must not stay in this one: the compiler's fake tensors bring a stand-in for CUDA
    devices. Where autograd sees it in its first backward pass it starts threads, and every process
    forked later would refuse to train.
    """

    @functools.wraps(test)
    def forked(*args: Any, **kwargs: Any) -> None:
        assert fork_ranks(lambda: test(*args, **kwargs), 1, timeout_s=900.0) == [0]

    return forked


def end(processes: Sequence[BaseProcess]) -> None:
    """Kill those that are left, and wait for them."""
    for process in processes:
        if process.exitcode is None:
            process.kill()
    while any(process.exitcode is None for process in processes):
        time.sleep(_POLL_S)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(processes: Sequence[BaseProcess], *, until: float, all_of_them: bool = False) -> None:
    """Wait for the end of all, or until one has failed.

    `Process.join` with a timeout would also wait for the loader workers of a process that was
    killed, which look for their parent every five seconds only.
    """
    while time.monotonic() < until:
        codes = [process.exitcode for process in processes]
        if None not in codes or (not all_of_them and any(codes)):
            return
        time.sleep(_POLL_S)


def _refuse_the_late(processes: Sequence[BaseProcess], timeout_s: float) -> None:
    late = [rank for rank, process in enumerate(processes) if process.exitcode is None]
    if late:
        raise TimeoutError(f"ranks {late} of {len(processes)} were not done after {timeout_s} s")


def _rank(work: Callable[[], object], rank: int, ranks: int, port: int) -> None:
    if ranks > 1:
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        os.environ |= {"LOCAL_RANK": str(rank), "NODE_RANK": "0", "WORLD_SIZE": str(ranks)}
    torch.set_num_threads(1)
    try:
        work()
    except Preempted as left:
        sys.exit(left.exit_code)
