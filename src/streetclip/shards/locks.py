"""Locks between processes that end with their process, so that a killed one leaves none behind."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAUSE_S = 0.2


def try_lock(path: Path) -> int | None:
    """Takes a lock file, making it if it is not there.

    Args:
        path: The lock file.

    Returns:
        A handle for `release`, or None where another holder has it, in this process or another.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if not _try(handle, fcntl.LOCK_EX):
            os.close(handle)
            return None
        if _is_at(handle, path):
            return handle
        os.close(handle)  # It was released, and deleted with that, since it was opened.


def release(path: Path, handle: int) -> None:
    """Gives a lock back and deletes its file, so that lock files do not pile up.

    Args:
        path: The lock file.
        handle: From `try_lock`.
    """
    path.unlink(missing_ok=True)
    # A forked child may have a copy of the handle; closing ours alone would leave it locked.
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


def share(handle: int) -> None:
    """Marks an open file as being read; closing it ends that.

    Args:
        handle: Of the file.
    """
    fcntl.flock(handle, fcntl.LOCK_SH)


def is_shared(path: Path) -> bool:
    """Whether somebody has marked a file as being read.

    Args:
        path: A file that may vanish at any moment.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try(handle, fcntl.LOCK_EX)
    finally:
        os.close(handle)


@contextmanager
def alone(path: Path, on_wait: Callable[[], object]) -> Iterator[None]:
    """Holds a lock for long work, and waits for it without holding up signals.

    Args:
        path: The lock file; its folder is made, and goes again if it is empty in the end.
        on_wait: Called once where another holder has it.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    handle = _try_in_its_folder(path)
    if handle is None:
        on_wait()
    while handle is None:
        time.sleep(_PAUSE_S)
        handle = _try_in_its_folder(path)
    try:
        yield
    finally:
        release(path, handle)
        with suppress(OSError):
            for folder in made:
                folder.rmdir()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock for a moment, and waits for it; its file stays.

    Args:
        path: The lock file.
    """
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _try_in_its_folder(path: Path) -> int | None:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Another holder may take the folder away again between the two.
        with suppress(FileNotFoundError):
            return try_lock(path)


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(handle))
