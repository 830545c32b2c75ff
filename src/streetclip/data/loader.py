"""A torch DataLoader whose items are whole batches, and how its workers start and end."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from streetclip.data.batch import Batch
from streetclip.data.dataset import StepSampler
from streetclip.data.waiting import one_by_one
from streetclip.errors import LoaderError, StreetclipError


class StepLoader(DataLoader[Batch]):
    """A loader whose items are whole batches.

    To Lightning it looks resumable, which it is: what there is to restore is the data module's
    cursor, so its own state is empty. An error of ours in a worker is raised here as it was there,
    where torch would put a traceback into its text.
    """

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override] # torch names its own class
        # Workers that are just being started must not be ended either, see `_settle`.
        with _held_back():
            items = super().__iter__()
        return _raised(items)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the cursor says where to go on."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing: the cursor says where to go on."""


def make_loader(
    dataset: Dataset[Batch], sampler: StepSampler, *, workers: int, start_method: str | None
) -> StepLoader:
    """A loader of the steps that a sampler names.

    Args:
        dataset: Gives the batch of an (epoch, step).
        sampler: Names the steps.
        workers: Processes; 0 loads in this one.
        start_method: How workers start; None is Python's choice.
    """
    several = workers > 0
    return StepLoader(
        _Told(dataset) if several else dataset,
        batch_size=None,
        sampler=sampler,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=several,
        worker_init_fn=_settle if several else None,
        multiprocessing_context=start_method if several else None,
    )


@contextmanager
def clear_about_workers() -> Iterator[None]:
    """Say it in words when a loader process was ended from outside.

    Raises:
        LoaderError: Instead of torch's `RuntimeError`, which it raises wherever the program stands.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker (pid"):
            raise
        raise LoaderError(
            f"a loader process was ended from outside; got: {str(error).splitlines()[0]}; often "
            "the machine has too little memory: lower data.workers, and resume"
        ) from error


@contextmanager
def _held_back() -> Iterator[None]:
    """Signals wait, here and in processes that are forked meanwhile."""
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGINT, signal.SIGUSR1, signal.SIGTERM}
    )
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Told(Dataset[Any]):
    """A data set whose errors of ours come as items, because torch would rewrite them."""

    def __init__(self, dataset: Dataset[Batch]) -> None:
        self.dataset = dataset

    def __getitem__(self, epoch_and_step: Any) -> Batch | StreetclipError:
        try:
            return self.dataset[epoch_and_step]
        except StreetclipError as error:
            return error


def _raised(items: Iterator[Any]) -> Iterator[Batch]:
    for item in one_by_one(items, "batch"):
        if isinstance(item, StreetclipError):
            raise item
        yield item


def safe_start_method(urls: Sequence[str] = ()) -> str | None:
    """Fork, which is quick, unless this process holds what a forked child cannot use.

    That is an initialised CUDA context, and the threads in which fsspec waits for a network.

    Args:
        urls: What workers will read.

    Returns:
        A start method of `multiprocessing`, or None where the platform's own is best.
    """
    if sys.platform != "linux":
        return None
    remote = any("://" in url for url in urls)
    on_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return "forkserver" if remote or on_gpu else "fork"


def _as_it_is(batch: Any) -> Any:
    return batch


def _settle(worker: int) -> None:
    """Workers share the machine's cores; one that spreads out slows all."""
    torch.set_num_threads(1)
    _end_by_the_parent_alone()


def _end_by_the_parent_alone() -> None:
    """Ignore the signals that a terminal or a cluster sends to a whole group of processes.

    The training process saves and leaves when it gets one, and needs its workers for the step that
    it is in. It ends them by SIGTERM itself, and one that it leaves behind ends when torch notices.
    """
    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGUSR1})
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None or not hasattr(signal, "sigwaitinfo"):
        # macOS cannot tell who has sent a signal; SIGTERM ends the worker there.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return
    # A handler would not learn who has sent the signal; who waits for it does.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_wait_for_the_end, args=(parent.pid,), daemon=True).start()


def _wait_for_the_end(parent: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
