"""A file system that fails for a while."""

import errno
import os
from collections.abc import Iterator

import pytest


class FailingReads:
    """Makes `os.pread` and `os.open` fail, or give wrong bytes, a number of times.

    Args:
        monkeypatch: Undoes it.

    `pauses` lists the pauses that were made, which take no time; `opened` counts files opened.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pauses: list[float] = []
        self.opened = 0
        self._errors: Iterator[int] = iter(())
        self._open_errors: Iterator[int] = iter(())
        self._changes: Iterator[str] = iter(())
        self._pread, self._open = os.pread, os.open
        monkeypatch.setattr("streetclip.shards.patience.time.sleep", self.pauses.append)
        monkeypatch.setattr("streetclip.shards.read.os.pread", self._failing_pread)
        monkeypatch.setattr("streetclip.shards.read.os.open", self._failing_open)

    def fail(self, times: int, code: int = errno.EIO) -> None:
        """The next reads fail with an error."""
        self._errors = iter([code] * times)

    def fail_to_open(self, times: int, code: int = errno.EIO) -> None:
        """The next files that are opened fail with an error."""
        self._open_errors = iter([code] * times)

    def change(self, times: int, how: str) -> None:
        """The next reads give a wrong byte (``"flip"``) or end too early (``"short"``)."""
        self._changes = iter([how] * times)

    def _failing_pread(self, handle: int, size: int, offset: int) -> bytes:
        if (code := next(self._errors, None)) is not None:
            raise OSError(code, os.strerror(code))
        data = self._pread(handle, size, offset)
        how = next(self._changes, None)
        if how == "flip":
            return bytes([data[0] ^ 1]) + data[1:]
        # As of a file that ends here: what is asked for next is not there either.
        return data if how is None else b""

    def _failing_open(self, path: str, flags: int) -> int:
        if (code := next(self._open_errors, None)) is not None:
            raise OSError(code, os.strerror(code))
        self.opened += 1
        return self._open(path, flags)
