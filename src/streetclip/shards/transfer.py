"""Brings one file whole to the disk: in pieces, with time limits, further tries and checksums."""

import errno
import hashlib
import logging
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol, runtime_checkable

from streetclip.errors import AbsentError, FetchError, ShardError
from streetclip.shards.durable import sync_folder
from streetclip.shards.effort import Effort
from streetclip.shards.remote import WEB, RemoteFile, check_url, scheme_of, shown
from streetclip.shards.stores import StoredStream

logger = logging.getLogger(__name__)

SLOWEST_BYTES_S = 1000
"""A transfer that is slower than this over a whole timeout counts as a stall."""
_STRIKES = 2
_DIGEST_BYTES = 16 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@runtime_checkable
class Stream(Protocol):
    """A file's bytes from some place on, as they come."""

    start: int
    total: int | None
    tag: str | None

    def read(self) -> bytes | None:
        """The next bytes, none at the end; None where not one came in the time that it gives."""

    def close(self) -> None:
        """Ends the connection."""


def part_of(target: Path) -> Path:
    """Where a file lies until it is whole: hidden, in the same folder, hence on the same disk.

    Args:
        target: Its final name.

    Example:
        >>> part_of(Path("cache/000000.tar")).name
        '.000000.tar.part'
    """
    return target.with_name(f".{target.name}.part")


def fetch(
    file: RemoteFile,
    target: Path,
    *,
    effort: Effort,
    room: Callable[[int], None] | None = None,
    stop: Event | None = None,
) -> None:
    """Brings a file to the disk; what carries its final name is whole, checked and durable.

    A transfer that was broken off goes on where it stopped, if the server can and the digest or the
    server's tag tells that it is the same file; one of a killed process, or one whose tries are
    used up, if the digest does.

    Args:
        file: What to fetch.
        target: Its place; whatever lies there is replaced.
        effort: Time limits and tries.
        room: Called with how many bytes the file will need at least, before they are written; may
            raise.
        stop: Set from another thread to give up.

    Raises:
        AbsentError: It is not there, or not allowed.
        ShardError: It is not the file that was meant, the disk is full, or no try succeeded; the
            message says what happened on each.
    """
    check_url(file.url)
    transfer = _Transfer(file, part_of(target), effort.timeout_s, room, stop or Event())
    try:
        _try_on(transfer, target, effort)
    except ShardError as error:
        transfer.tidy(error.__cause__)
        raise


def _try_on(transfer: "_Transfer", target: Path, effort: Effort) -> None:
    file, story, strikes = transfer.file, list[str](), 0
    while True:
        try:
            transfer.once()
            _publish(transfer.part, target)
        except FetchError as error:
            story.append(error.reason)
            strikes += error.anew
            if error.anew:
                transfer.begin_anew()
            if error.final or strikes == _STRIKES or len(story) >= effort.tries:
                raise _given_up(file, story, error) from error
            pause_s = effort.pause_after(len(story), asked_s=error.wait_s)
            logger.warning("%s: %s; trying again in %.1f s", shown(file.url), error.reason, pause_s)
            transfer.stop.wait(pause_s)
        else:
            return


class _Transfer:
    """Tries of one file; between them it keeps what has arrived."""

    def __init__(
        self,
        file: RemoteFile,
        part: Path,
        timeout_s: float,
        room: Callable[[int], None] | None,
        stop: Event,
    ) -> None:
        self.file = file
        self.part = part
        self.timeout_s = timeout_s
        self.stop = stop
        self._room = room
        self._promised = -1
        self._tag: str | None = None
        if file.sha256 is None:
            self.begin_anew()

    def once(self) -> None:
        """One try, which goes on where the last one stopped."""
        if self.file.size is not None:
            # Before what is there is looked at: who waits for room gives up what takes some.
            self._make_room(self.file.size)
        offset = self._offset()
        if offset == 0 or not self._is_all(offset):
            with closing(self._open_stream(offset)) as stream:
                self._check_total(stream.total)
                self._tag = stream.tag
                self._receive(stream)
        self._check()

    def begin_anew(self) -> None:
        """Forget what has arrived."""
        self._tag = None
        self.part.unlink(missing_ok=True)

    def tidy(self, cause: BaseException | None) -> None:
        """After the last try: keep what another transfer can go on with, and nothing else."""
        may_come = isinstance(cause, FetchError) and (self.stop.is_set() or not cause.final)
        is_sure = self.file.sha256 is not None and may_come
        if not is_sure or not self.part.exists() or not self.part.stat().st_size:
            self.part.unlink(missing_ok=True)

    def _open_stream(self, offset: int) -> Stream:
        url, timeout_s, stop = self.file.url, self.timeout_s, self.stop
        if scheme_of(url) not in WEB:
            return StoredStream(url, offset=offset, timeout_s=timeout_s, stop=stop)
        # aiohttp takes half a second to import, which readers of local shards need not wait for.
        from streetclip.shards.web import WebStream

        return WebStream(url, offset=offset, tag=self._tag, timeout_s=timeout_s, stop=stop)

    def _offset(self) -> int:
        """How much of the file is here; 0 where nothing could tell that it is the same file."""
        if not self.part.exists() or (self.file.sha256 is None and self._tag is None):
            return 0
        size = self.part.stat().st_size
        return 0 if self.file.size is not None and size > self.file.size else size

    def _is_all(self, here: int) -> bool:
        """Whether what is here only lacks its name."""
        if self.file.size is not None:
            return here == self.file.size
        return self.file.sha256 is not None and self._digest() == self.file.sha256

    def _check_total(self, total: int | None) -> None:
        if None not in (total, self.file.size) and total != self.file.size:
            raise FetchError(f"{total} bytes are there, not {self.file.size}", anew=True)

    def _receive(self, stream: Stream) -> None:
        expected = stream.total if self.file.size is None else self.file.size
        self._make_room(expected or 0)
        try:
            with self.part.open("ab") as out:
                out.truncate(stream.start)
                size = self._copy(stream, out, expected)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise _about_the_disk(self.part, error) from error
        if expected is not None and size < expected:
            raise FetchError(f"it ended after {size} of {expected} bytes")

    def _copy(self, stream: Stream, out: BinaryIO, expected: int | None) -> int:
        size, recent, spent_s = stream.start, 0, 0.0
        while not self.stop.is_set():
            began = time.monotonic()
            piece = stream.read()
            if piece is not None and not piece:
                return size
            spent_s += time.monotonic() - began
            if piece:
                size, recent = size + len(piece), recent + len(piece)
                if expected is not None and size > expected:
                    raise FetchError(f"more than {expected} bytes came", anew=True)
                self._make_room(size)
                out.write(piece)
            if spent_s > self.timeout_s:
                if recent < SLOWEST_BYTES_S * self.timeout_s:
                    raise FetchError(f"only {recent} bytes came in {spent_s:.0f} s")
                recent, spent_s = 0, 0.0
        raise FetchError("stopped", final=True)

    def _make_room(self, needed: int) -> None:
        """Asks once where the size is known, and else before every piece."""
        if self._room is not None and needed > self._promised:
            self._room(needed)
            self._promised = needed

    def _check(self) -> None:
        if self.file.sha256 is not None:
            found = self._digest()
            if found != self.file.sha256:
                raise FetchError(f"its sha256 is {found}, not {self.file.sha256}", anew=True)
        elif self.file.check is not None:
            try:
                self.file.check(self.part)
            except ShardError as error:
                reason = str(error).replace(str(self.part), "it")
                raise FetchError(reason, anew=True) from error

    def _digest(self) -> str:
        digest = hashlib.sha256()
        with self.part.open("rb") as received:
            while piece := received.read(_DIGEST_BYTES):
                digest.update(piece)
                # Looked at last, so that a small file is always found to be right or wrong.
                if len(piece) == _DIGEST_BYTES and self.stop.is_set():
                    raise FetchError("stopped", final=True)
        return digest.hexdigest()


def _publish(part: Path, target: Path) -> None:
    try:
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise _about_the_disk(part, error) from error


def _about_the_disk(part: Path, error: OSError) -> ShardError:
    full = error.errno in _FULL
    if full:
        part.unlink(missing_ok=True)
    return ShardError(
        f"{part.parent} is full" if full else f"nothing can be written to {part.parent}",
        got=error,
        remedy="make room there, or choose another folder or limit: data.remote.cache_dir, "
        "data.remote.cache_gib",
    )


def _given_up(file: RemoteFile, story: list[str], error: FetchError) -> ShardError:
    tries = [f"try {number}: {reason}" for number, reason in enumerate(story, 1)]
    remedy = error.remedy
    if error.anew:
        remedy = "what lies there is not the file that was meant: check the URL, or upload it again"
    elif not error.final:
        remedy = "try again later, or raise data.remote.tries or data.remote.timeout_s"
    got = "; ".join(tries) if len(tries) > 1 else story[0]
    kind = AbsentError if error.absent else ShardError
    return kind(f"{shown(file.url)} cannot be fetched", got=got, remedy=remedy)
