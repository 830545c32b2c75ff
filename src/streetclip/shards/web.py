"""A file at an http or https URL as a stream that may begin anywhere, over fsspec's session.

fsspec's own open files hide what this needs to know: whether a server has honored a range, how
long the whole is, whether it is still the same file. So the session is fsspec's, the request ours.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from fsspec.asyn import sync
from fsspec.implementations.http import HTTPFileSystem

from streetclip.errors import FetchError

PIECE_BYTES = 1 << 20
_PIECE_S = 1.0
"""A piece is handed over after this time even if it is not full, so that a slow one is noticed."""
_MAY_PASS = frozenset({408, 425, 429})
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_FOREVER = (ValueError, aiohttp.TooManyRedirects, aiohttp.ClientSSLError)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the head of an answer says.

    Args:
        start: Where in the file its bytes begin; 0 where the server sends the whole file.
        total: Bytes of the whole file, or None where the server does not say.
        tag: Names this version of the file, or None.
    """

    start: int
    total: int | None
    tag: str | None


def facts_of(status: int, headers: Mapping[str, str], *, offset: int) -> Facts:
    """What an answer says about the file.

    Args:
        status: 200 or 206, or an error.
        headers: Of the answer, found in any case of letters.
        offset: Where the request asked to begin.

    Returns:
        The facts.

    Raises:
        FetchError: The answer is an error, or not what was asked for.

    Example:
        >>> facts_of(206, {"Content-Range": "bytes 5-9/10", "ETag": '"a"'}, offset=5)
        Facts(start=5, total=10, tag='"a"')
        >>> facts_of(200, {"Content-Length": "10"}, offset=5)
        Facts(start=0, total=10, tag=None)
    """
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(status, headers)
    tag = headers.get("ETag")
    strong = tag if tag and not tag.startswith("W/") else None
    if status != HTTPStatus.PARTIAL_CONTENT:
        length = headers.get("Content-Length", "")
        plain = headers.get("Content-Encoding", "identity") == "identity"
        return Facts(0, int(length) if plain and length.isdigit() else None, strong)
    found = _RANGE.match(headers.get("Content-Range", ""))
    if found is None or int(found[1]) != offset:
        answer = headers.get("Content-Range", "no Content-Range")
        raise FetchError(f"asked for bytes from {offset} on, got {answer}", anew=True)
    return Facts(offset, None if found[2] == "*" else int(found[2]), strong)


class WebStream:
    """The bytes of a file from some place on; close it.

    Args:
        url: Of http or https.
        offset: Where to begin, if the server can.
        tag: Continue only this version of the file; else the server sends the whole.
        timeout_s: Longest wait for a connection, and for each further byte, seconds.

    Raises:
        FetchError: The server refuses, cannot be reached or does not answer.
    """

    def __init__(
        self, url: str, *, offset: int = 0, tag: str | None = None, timeout_s: float
    ) -> None:
        self._timeout_s = timeout_s
        self._failed: Exception | None = None
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        if offset and tag:
            headers["If-Range"] = tag
        with self._clear():
            self._files = _filesystem(timeout_s)
            self._answer = sync(self._files.loop, _get, self._files, url, headers)
        try:
            facts = facts_of(self._answer.status, self._answer.headers, offset=offset)
        except FetchError:
            self.close()
            raise
        self.start, self.total, self.tag = facts.start, facts.total, facts.tag

    def read(self) -> bytes:
        """The next bytes, as many as came within about a second; none at the end.

        Raises:
            FetchError: The connection broke, or nothing came for `timeout_s`.
        """
        with self._clear():
            if self._failed is not None:
                raise self._failed
            piece: bytes = sync(self._files.loop, self._piece)
        return piece

    def close(self) -> None:
        """Ends the connection."""
        sync(self._files.loop, _close, self._answer)

    async def _piece(self) -> bytes:
        parts: list[bytes] = []
        clock = self._files.loop.time
        size, end = 0, clock() + _PIECE_S
        try:
            while size < PIECE_BYTES and clock() < end:
                part = await self._answer.content.readany()
                if not part:
                    break
                parts.append(part)
                size += len(part)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if not parts:
                raise
            # What came before it is good; the next call tells of it.
            self._failed = error
        return b"".join(parts)

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """Errors of the network as ours."""
        try:
            yield
        except TimeoutError as error:
            raise FetchError(f"no byte for {self._timeout_s:g} s") from error
        except _FOREVER as error:
            raise FetchError(f"{type(error).__name__}: {error}", final=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise FetchError(f"{type(error).__name__}: {error}") from error


def _refusal(status: int, headers: Mapping[str, str]) -> FetchError:
    known = {value.value: value.phrase for value in HTTPStatus}
    reason = f"{status} {known.get(status, '')}".rstrip()
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return FetchError(reason, anew=True)
    if status in _MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = headers.get("Retry-After", "")
        return FetchError(reason, wait_s=float(wait) if wait.isdigit() else 0.0)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        remedy = "check the URL, and the name and password of its host in ~/.netrc"
        return FetchError(reason, absent=True, remedy=remedy)
    absent = status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    return FetchError(reason, final=True, absent=absent, remedy="check the URL")


def _filesystem(timeout_s: float) -> Any:
    """The file system that keeps the session, one a process and timeout."""
    timeout = aiohttp.ClientTimeout(
        total=None, connect=timeout_s, sock_connect=timeout_s, sock_read=timeout_s
    )
    return HTTPFileSystem(client_kwargs={"timeout": timeout}, get_client=_client)


async def _client(**options: Any) -> aiohttp.ClientSession:
    """A session without a try of its own: aiohttp repeats a request on a connection kept alive."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    return aiohttp.ClientSession(connector=connector, trust_env=True, **options)


async def _get(files: Any, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
    session = await files.set_session()
    answer: aiohttp.ClientResponse = await session.get(files.encode_url(url), headers=headers)
    return answer


async def _close(answer: aiohttp.ClientResponse) -> None:
    answer.close()
