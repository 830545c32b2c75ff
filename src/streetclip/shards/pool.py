"""Runs independent jobs in several processes and gives their results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

_Job = TypeVar("_Job")
_Outcome = TypeVar("_Outcome")
_AHEAD = 2


def in_processes(
    work: Callable[[_Job], _Outcome], jobs: Iterable[_Job], *, processes: int
) -> Generator[_Outcome, None, None]:
    """The outcomes of jobs in the order of the jobs, however many processes do them.

    Jobs are taken from the iterable as they are needed, so that it may be long.

    Args:
        work: A function of a module, of one picklable argument.
        jobs: Its arguments.
        processes: How many run at a time; 1 stays in this process.

    Yields:
        What `work` returned; what it raised is raised here.

    Example:
        >>> list(in_processes(abs, [-1, 2], processes=1))
        [1, 2]
    """
    if processes <= 1:
        yield from map(work, jobs)
        return
    # Spawned, not forked: the caller may have threads, whose locks a fork would leave locked.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[_Outcome]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) >= _AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
