"""A file in an object store, or on any other file system that fsspec knows, as a stream."""

import errno
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from importlib import import_module
from threading import Event, Thread
from typing import Any, TypeVar

import fsspec
from fsspec.core import url_to_fs

from streetclip.errors import FetchError
from streetclip.shards.remote import scheme_of

PIECE_BYTES = 4 << 20
_POLL_S = 0.2
"""How soon a wish to end is noticed."""
_GUARD = 4
"""A library that is silent for so many timeouts is given up, whatever it is doing."""
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
# What the libraries raise besides the errors of Python itself; each is imported only by its users.
_ERRORS = {
    "s3": ("botocore.exceptions.BotoCoreError", "aiohttp.ClientError"),
    "s3a": ("botocore.exceptions.BotoCoreError", "aiohttp.ClientError"),
    "gs": ("gcsfs.retry.HttpError", "google.auth.exceptions.GoogleAuthError"),
    "gcs": ("gcsfs.retry.HttpError", "google.auth.exceptions.GoogleAuthError"),
    "hf": ("huggingface_hub.errors.HTTPError",),
    "az": ("azure.core.exceptions.AzureError",),
    "abfs": ("azure.core.exceptions.AzureError",),
    "abfss": ("azure.core.exceptions.AzureError",),
    "sftp": ("paramiko.SSHException",),
    "ssh": ("paramiko.SSHException",),
    "ftp": ("ftplib.Error",),
}
_FORBIDDEN = (401, 403)
_ABSENT = (404, 410)
_FINAL_ERRNO = (errno.EISDIR, errno.ENOTDIR, errno.EINVAL)
_Value = TypeVar("_Value")


class StoredStream:
    """The bytes of a file from some place on; close it.

    Args:
        url: Of any scheme but http and https.
        offset: Where to begin.
        timeout_s: Longest wait for a connection and for each answer, seconds, where the library
            can be told; several times as long otherwise.
        stop: Set from another thread to give up.

    Raises:
        FetchError: There is no such file, or it cannot be reached.
    """

    tag: str | None = None

    def __init__(
        self, url: str, *, offset: int = 0, timeout_s: float, stop: Event | None = None
    ) -> None:
        self._scheme = scheme_of(url)
        self._stop = stop or Event()
        self._limit_s = _GUARD * timeout_s
        self._file = self._guarded(lambda: _open(url, timeout_s))
        size = getattr(self._file, "size", None)
        self.total = size if isinstance(size, int) else None
        self.start = 0 if self.total is not None and offset > self.total else offset
        self._guarded(lambda: self._file.seek(self.start))

    def read(self) -> bytes:
        """The next bytes; none at the end.

        Raises:
            FetchError: They cannot be read, or not in time.
        """
        piece: bytes = self._guarded(lambda: self._file.read(PIECE_BYTES))
        return piece

    def close(self) -> None:
        """Ends the connection."""
        self._file.close()

    def _guarded(self, work: Callable[[], _Value]) -> _Value:
        try:
            return within(work, self._limit_s, self._stop)
        except TimeoutError:
            if self._stop.is_set():
                raise FetchError("stopped", final=True) from None
            raise FetchError(f"no answer for {self._limit_s:g} s") from None
        except ImportError as error:
            raise _missing(self._scheme, error) from error
        except _errors(self._scheme) as error:
            # Without the chain, whose text may hold secrets.
            raise failure_of(error) from None


def within(work: Callable[[], _Value], limit_s: float, stop: Event | None = None) -> _Value:
    """Does something in a thread of its own, and waits for it only so long.

    Args:
        work: May hang for ever; its thread then stays behind and ends with the process.
        limit_s: Seconds.
        stop: Set from another thread to wait no longer.

    Returns:
        What `work` returned; what it raised is raised here.

    Raises:
        TimeoutError: It took longer, or `stop` was set.

    Example:
        >>> within(lambda: 7, 10.0)
        7
    """
    outcome: Future[_Value] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # Handed over to whoever waits, and raised there.
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    give_up = time.monotonic() + limit_s
    while not (stop and stop.is_set()) and time.monotonic() < give_up:
        wait_s = min(_POLL_S, max(0.0, give_up - time.monotonic()))
        wait([outcome], timeout=wait_s)
        if outcome.done():
            return outcome.result()
    raise TimeoutError


def failure_of(error: Exception) -> FetchError:
    """What an error of a library means for further tries.

    Args:
        error: Any error; libraries note a status of HTTP in several places.

    Returns:
        Final for what is not there or not allowed.

    Example:
        >>> failure_of(FileNotFoundError("a.tar")).final, failure_of(ConnectionError()).final
        (True, False)
    """
    status = getattr(error, "status", None) or getattr(error, "code", None)
    status = status or getattr(getattr(error, "response", None), "status_code", None)
    # gcsfs says that something is forbidden in words alone.
    forbidden = (
        isinstance(error, PermissionError)
        or status in _FORBIDDEN
        or str(error).startswith("Forbidden")
    )
    absent = forbidden or isinstance(error, FileNotFoundError) or status in _ABSENT
    final = isinstance(error, ValueError) or getattr(error, "errno", None) in _FINAL_ERRNO
    remedy = "check the credentials" if forbidden else "check the URL"
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return FetchError(reason, final=final, absent=absent, remedy=remedy)


def _open(url: str, timeout_s: float) -> Any:
    files, path = url_to_fs(url, **_options(scheme_of(url), timeout_s))
    if scheme_of(url) in ("s3", "s3a"):
        # Tries are counted here; this one is the only attribute that s3fs has for its own.
        files.retries = 1
    return files.open(path, "rb", block_size=PIECE_BYTES)


def _options(scheme: str, timeout_s: float) -> dict[str, Any]:
    """What a library must be told so that it neither waits nor tries longer than we want."""
    if scheme in ("s3", "s3a"):
        ours = {"connect_timeout": timeout_s, "read_timeout": timeout_s}
        given = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
        tries = {"retries": {"total_max_attempts": 1}}
        return {"config_kwargs": {**given, **ours, **tries}, "use_listings_cache": False}
    if scheme in ("gs", "gcs"):
        import aiohttp  # gcsfs brings it up anyway, and others need not wait for its import

        timeout = aiohttp.ClientTimeout(total=None, connect=timeout_s, sock_read=timeout_s)
        return {"requests_timeout": timeout}
    return {"timeout": timeout_s} if scheme in ("ftp", "sftp", "ssh") else {}


def _errors(scheme: str) -> tuple[type[Exception], ...]:
    found: list[type[Exception]] = [OSError, ValueError]
    for name in _ERRORS.get(scheme, ()):
        module, _, attribute = name.rpartition(".")
        try:
            found.append(getattr(import_module(module), attribute))
        except ImportError:
            continue  # Then nothing can have raised it.
    return tuple(found)


def _missing(scheme: str, error: ImportError) -> FetchError:
    extra = _EXTRAS.get(scheme)
    remedy = f"install the extra: pip install 'streetclip[{extra}]'" if extra else None
    return FetchError(f"{scheme}:// needs a further package: {error}", final=True, remedy=remedy)
