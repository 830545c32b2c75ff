"""A file at an http or https URL as a stream that may begin anywhere, over fsspec's session.

fsspec's own open files hide what this needs to know: whether a server has honored a range, how
long the whole is, whether it is still the same file. So the session is fsspec's, the request ours.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import Event
from typing import Any

import aiohttp
from fsspec.asyn import sync
from fsspec.implementations.http import HTTPFileSystem

from streetclip.errors import FetchError, shown

PIECE_BYTES = 1 << 20
_PIECE_S = 1.0
"""A piece is handed over after this time even if it is not full, so that a slow one is noticed."""
_POLL_S = 0.2
"""How soon a wish to end is noticed."""
_HEAD_TIMEOUTS = 2
"""A connection and a whole head of an answer, redirects included, take so many timeouts at most."""
LONGEST_WAIT_S = 3600.0
"""A server that asks to wait for longer is taken to have said this."""
_MAY_PASS = frozenset({408, 425, 429})
_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]+/([0-9]{1,18}|\*)")
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
        return Facts(0, int(length) if plain and _NUMBER.fullmatch(length) else None, strong)
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
        timeout_s: Longest wait for a connection, and for each further byte, seconds; the head of
            the answer must be whole after twice as long, however many bytes of it come.
        stop: Set from another thread to give up.

    Raises:
        FetchError: The server refuses, cannot be reached or does not answer.
    """

    def __init__(
        self,
        url: str,
        *,
        offset: int = 0,
        tag: str | None = None,
        timeout_s: float,
        stop: Event | None = None,
    ) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._stop = stop or Event()
        self._failed: Exception | None = None
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        if offset and tag:
            headers["If-Range"] = tag
        with self._clear():
            self._files = _filesystem(timeout_s)
            self._answer = sync(self._files.loop, self._get, headers)
        try:
            facts = facts_of(self._answer.status, self._answer.headers, offset=offset)
        except FetchError:
            self.close()
            raise
        self.start, self.total, self.tag = facts.start, facts.total, facts.tag

    def read(self) -> bytes | None:
        """The next bytes, as many as came within about a second; none at the end.

        Returns:
            The bytes, or None where not one came, whatever else the server sent.

        Raises:
            FetchError: The connection broke, or nothing came for `timeout_s`.
        """
        with self._clear():
            if self._failed is not None:
                raise self._failed
            piece: bytes | None = sync(self._files.loop, self._piece)
        return piece

    def close(self) -> None:
        """Ends the connection."""
        sync(self._files.loop, _close, self._answer)

    async def _get(self, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """The answer, once its head is whole."""
        session = await self._files.set_session()
        url = self._files.encode_url(self._url)
        request: asyncio.Future[aiohttp.ClientResponse]
        request = asyncio.ensure_future(session.get(url, headers=headers))
        clock = self._files.loop.time
        limit_s = _HEAD_TIMEOUTS * self._timeout_s
        end = clock() + limit_s
        try:
            # Interim answers and single bytes of a head would renew aiohttp's own limit for ever.
            while not request.done() and clock() < end and not self._stop.is_set():
                await asyncio.wait([request], timeout=min(_POLL_S, max(0.0, end - clock())))
            if request.done():
                return await request
        finally:
            if not request.done():
                request.cancel()
        if self._stop.is_set():
            raise FetchError("stopped", final=True)
        raise FetchError(f"no whole answer for {limit_s:g} s")

    async def _piece(self) -> bytes | None:
        parts: list[bytes] = []
        clock = self._files.loop.time
        size, end, is_over = 0, clock() + _PIECE_S, False
        try:
            while size < PIECE_BYTES and clock() < end and not self._stop.is_set():
                part = await self._part(min(_POLL_S, end - clock()))
                if part is None:
                    continue
                if not part:
                    is_over = True
                    break
                parts.append(part)
                size += len(part)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if not parts:
                raise
            # What came before it is good; the next call tells of it.
            self._failed = error
        return b"".join(parts) if parts or is_over else None

    async def _part(self, limit_s: float) -> bytes | None:
        """What comes next of the body; None where it takes longer."""
        try:
            async with asyncio.timeout(limit_s) as limit:
                part: bytes = await self._answer.content.readany()
        except TimeoutError:
            if not limit.expired():
                raise
            return None
        return part

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """Errors of the network as ours, without the chain, whose text may hold secrets."""
        try:
            yield
        except TimeoutError:
            raise FetchError(f"no byte for {self._timeout_s:g} s") from None
        except _FOREVER as error:
            raise FetchError(self._told(error), final=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise FetchError(self._told(error)) from None

    def _told(self, error: Exception) -> str:
        # Behind a URL with blanks in it nobody else can tell where it ends.
        text = str(error).replace(self._url, shown(self._url))
        return f"{type(error).__name__}: {text}"


def wait_asked_s(headers: Mapping[str, str]) -> float:
    """How long an answer asks to wait before the next request.

    Args:
        headers: With `Retry-After`, or without: seconds, or a date.

    Returns:
        Seconds, at most `LONGEST_WAIT_S`; 0 for what is neither, and for what is over.

    Example:
        >>> wait_asked_s({"Retry-After": "7"}), wait_asked_s({"Retry-After": "soon"})
        (7.0, 0.0)
    """
    asked = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]+", asked):
        return min(float(asked), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(asked)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT_S)


def _refusal(status: int, headers: Mapping[str, str]) -> FetchError:
    known = {value.value: value.phrase for value in HTTPStatus}
    reason = f"{status} {known.get(status, '')}".rstrip()
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return FetchError(reason, anew=True)
    if status in _MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FetchError(reason, wait_s=wait_asked_s(headers))
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


async def _close(answer: aiohttp.ClientResponse) -> None:
    answer.close()
