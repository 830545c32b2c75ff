"""A bounded folder of files from URLs, shared by all processes of a machine."""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from threading import Event

from streetclip.errors import ShardError
from streetclip.shards.effort import Effort
from streetclip.shards.locks import locked, release, share, try_lock
from streetclip.shards.remote import RemoteFile, shown
from streetclip.shards.room import lock_of, make_room
from streetclip.shards.transfer import fetch, part_of

logger = logging.getLogger(__name__)

DEFAULT_GIB = 100.0
_LOCK = ".lock"
_POLL_S = 0.05
_REMEDY = "choose another folder with data.remote.cache_dir"


def default_folder() -> Path:
    """Where files from URLs are kept if nobody says otherwise.

    Returns:
        `streetclip` in the user's cache folder.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streetclip"


@dataclass(frozen=True)
class Cache:
    """Files from URLs, fetched when they are first opened and deleted when they are in the way.

    Every process may use the same folder at the same time: a file is fetched once and by one of
    them, and who needs it too waits. What is fetched counts with its whole size from the beginning,
    so the folder never holds more than its limit. It holds plain values only and can be pickled.

    Args:
        folder: The folder, made when it is first needed.
        limit_bytes: Bytes that it may hold.
        effort: Time limits and tries of a transfer.
    """

    folder: Path = field(default_factory=default_folder)
    limit_bytes: int = int(DEFAULT_GIB * 2**30)
    effort: Effort = field(default_factory=Effort)

    def open(self, file: RemoteFile) -> int:
        """A file, open for reading; it stays readable even if it is deleted meanwhile.

        Args:
            file: Fetched if it is not here.

        Returns:
            A file descriptor, to be closed.

        Raises:
            ShardError: It cannot be fetched, or is larger than the cache.
        """
        handle = self._open_here(file)
        return self._bring(file, frozenset(), Event()) if handle is None else handle

    def path(self, file: RemoteFile) -> Path:
        """Where a file lies, for those who must open it themselves, and soon.

        Args:
            file: Fetched if it is not here.

        Raises:
            ShardError: As `open`.
        """
        os.close(self.open(file))
        return self._target(file)

    def bring(self, file: RemoteFile, *, keep: Set[str], stop: Event) -> None:
        """Fetches a file ahead of its use.

        Args:
            file: Nothing happens if it is here.
            keep: Names of files that must not make room for it; asked each time that room is made.
            stop: Set from another thread to give up.

        Raises:
            ShardError: As `open`; also where only what must stay could make room, or `stop` was
                set.
        """
        if not self.holds(file):
            os.close(self._bring(file, keep, stop))

    def holds(self, file: RemoteFile) -> bool:
        """Whether a file is here, whole.

        Args:
            file: Any.
        """
        return self._target(file).exists()

    def mend(self, file: RemoteFile) -> None:
        """Deletes a file whose bytes are no longer those that were fetched.

        Args:
            file: With its digest or its check; without them nobody can tell.
        """
        target = self._target(file)
        if not target.exists():
            return
        with self._usable(), suppress(FileNotFoundError), target.open("rb") as found:
            if _is_whole(file, target, found):
                return
            logger.warning("%s is damaged in the cache, and is fetched again", shown(file.url))
            # Another process may have mended it while this one was reading it.
            with locked(self.folder / _LOCK), suppress(FileNotFoundError):
                if os.path.samestat(target.stat(), os.fstat(found.fileno())):
                    target.unlink()

    def _target(self, file: RemoteFile) -> Path:
        return self.folder / file.name

    def _open_here(self, file: RemoteFile) -> int | None:
        """The open file if it is here; from now on it counts as used, and as being read."""
        target = self._target(file)
        with self._usable():
            try:
                handle = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            share(handle)
        with suppress(OSError):  # It was deleted meanwhile, or belongs to another user.
            os.utime(target)
        return handle

    def _bring(self, file: RemoteFile, keep: Set[str], stop: Event) -> int:
        with self._alone(file, stop) as lock:
            while (handle := self._open_here(file)) is None:
                fetch(
                    file,
                    self._target(file),
                    effort=self.effort,
                    room=lambda needed: self._reserve(file, needed, lock, keep, stop),
                    stop=stop,
                )
            return handle

    @contextmanager
    def _alone(self, file: RemoteFile, stop: Event) -> Iterator[int]:
        """Waits until nobody else is fetching a file, and keeps others from it."""
        path = lock_of(self._target(file))
        with self._usable():
            self.folder.mkdir(parents=True, exist_ok=True)
            while (handle := try_lock(path)) is None:
                if stop.wait(_POLL_S):
                    raise ShardError(f"{shown(file.url)} is not waited for any longer")
        try:
            yield handle
        finally:
            release(path, handle)

    def _reserve(
        self, file: RemoteFile, needed: int, lock: int, keep: Set[str], stop: Event
    ) -> None:
        """Makes room and notes in the lock file how much; waits for other transfers if it must."""
        if needed > self.limit_bytes:
            raise ShardError(
                f"{shown(file.url)} is larger than the whole cache",
                got=f"{needed} bytes",
                allowed=f"{self.limit_bytes} bytes in {self.folder}",
                remedy="raise data.remote.cache_gib",
            )
        # Who holds room already and waits for more could wait for one who does the same.
        is_growing = os.fstat(lock).st_size > 0
        give_up = time.monotonic() + self.effort.timeout_s
        while True:
            with self._usable(), locked(self.folder / _LOCK):
                short = make_room(self.folder, needed, self.limit_bytes, own=file.name, keep=keep)
                if not short.bytes:
                    os.pwrite(lock, f"{needed:020}".encode(), 0)
                    return
            is_late = is_growing and time.monotonic() > give_up
            if keep or is_late or not short.may_pass:
                raise self._no_room(file, needed, short.bytes)
            if not is_growing:
                # Two that wait could keep the room from each other that they hold already.
                part_of(self._target(file)).unlink(missing_ok=True)
            if stop.wait(_POLL_S):
                raise self._no_room(file, needed, short.bytes)

    def _no_room(self, file: RemoteFile, needed: int, short: int) -> ShardError:
        free = shutil.disk_usage(self.folder).free
        return ShardError(
            f"there is no room for {shown(file.url)} in {self.folder}",
            got=f"{needed} bytes, {short} more than fit; {free} bytes are free on the disk",
            allowed=f"{self.limit_bytes} bytes in all",
            remedy=f"raise data.remote.cache_gib, or {_REMEDY}",
        )

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ShardError(
                f"the cache {self.folder} cannot be used", got=error, remedy=_REMEDY
            ) from error


def _is_whole(file: RemoteFile, path: Path, opened: BufferedReader) -> bool:
    if file.sha256 is not None:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256
    try:
        if file.check is not None:
            file.check(path)
    except ShardError:
        return False
    return True
