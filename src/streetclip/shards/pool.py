"""Runs independent jobs in several processes and gives their results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

_Job = TypeVar("_Job")
_Outcome = TypeVar("_Outcome")
_AHEAD = 2


class Pool:
    """Processes that do one kind of jobs after the other; to start them takes a second or more.

    Args:
        processes: How many run at a time; 1 stays in this process. They start with the first job.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def outcomes(
        self, work: Callable[[_Job], _Outcome], jobs: Iterable[_Job]
    ) -> Generator[_Outcome, None, None]:
        """The outcomes of jobs in the order of the jobs, however many processes do them.

        Jobs are taken from the iterable as they are needed, so that it may be long.

        Args:
            work: A function of a module, of one picklable argument.
            jobs: Its arguments.

        Yields:
            What `work` returned; what it raised is raised here.

        Example:
            >>> with Pool(1) as pool:
            ...     list(pool.outcomes(abs, [-1, 2]))
            [1, 2]
        """
        if self._processes <= 1:
            yield from map(work, jobs)
            return
        if self._executor is None:
            # Spawned, not forked: the caller may have threads, whose locks a fork leaves locked.
            self._executor = ProcessPoolExecutor(self._processes, mp_context=get_context("spawn"))
        waiting: deque[Future[_Outcome]] = deque()
        try:
            for job in jobs:
                waiting.append(self._executor.submit(work, job))
                if len(waiting) >= _AHEAD * self._processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def in_processes(
    work: Callable[[_Job], _Outcome], jobs: Iterable[_Job], *, processes: int
) -> Generator[_Outcome, None, None]:
    """The outcomes of jobs as of `Pool`, by processes that start and end with them.

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
    with Pool(processes) as pool:
        yield from pool.outcomes(work, jobs)
