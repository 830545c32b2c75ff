"""An HTTP server on this machine that serves a folder and misbehaves as it is told.

The faults of `FAULTS` are what a reader of remote shards must bear or refuse; each says which. A
server has one fault for the paths that match a pattern, and counts every request:

    with BadServer(folder, FAULTS["cut_once"], pattern=".tar") as server:
        read(f"{server.url}/000000.tar")
        assert server.statuses("000000.tar") == [200, 206]
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

PAGE = b"<html><body>Come back later.</body></html>"
FOR_EVER_S = 3600.0
_PIECE_BYTES = 1 << 14
_DRIP_S = 0.1


@dataclass(frozen=True)
class Answer:
    """How one request is answered; the defaults are how a good server does it.

    Args:
        status: Of the answer; from 400 on its body is a page.
        drops: The connection is closed without any answer.
        sends: Share of the body after which the connection is closed.
        has_length: Whether the length of the body is told.
        has_ranges: Whether a range is honored; a server without sends the whole file with 200.
        has_tag: Whether the version of the file is told.
        stalls_s: Pause in the middle of the body, seconds.
        is_wrong: One byte of the body is another one.
        is_page: A page comes with 200 instead of the file.
        bytes_s: How fast the body is sent, or None.
        drips: What never ends while no byte of the body comes: ``"head"`` (one header, byte by
            byte), ``"interim"`` (`102 Processing` again and again) or ``"extension"`` (after half
            of the body, a chunk's extension, byte by byte).
    """

    status: int = 200
    drops: bool = False
    sends: float = 1.0
    has_length: bool = True
    has_ranges: bool = True
    has_tag: bool = True
    stalls_s: float = 0.0
    is_wrong: bool = False
    is_page: bool = False
    bytes_s: float | None = None
    drips: str = ""


GOOD = Answer()
Answers = Callable[[int], Answer]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a server.

    Args:
        answers: The answer to a path's request number 0, 1, ...
        refusal: What the reader's error must say (a regular expression); None where it must get
            its file all the same.
        tries: How many requests for one file a reader of four tries makes.
    """

    answers: Answers
    refusal: str | None = None
    tries: int = 1


def first(times: int, answer: Answer, then: Answer = GOOD) -> Answers:
    """Answers of a server that misbehaves a few times and then no more."""
    return lambda number: answer if number < times else then


def always(answer: Answer) -> Answers:
    """Answers of a server that never behaves."""
    return lambda _: answer


_UNRANGED = Answer(has_ranges=False)
FAULTS: Mapping[str, Fault] = {
    "absent": Fault(always(Answer(status=404)), "404 Not Found; check the URL"),
    "busy_twice": Fault(first(2, Answer(status=503)), tries=3),
    "busy_for_ever": Fault(always(Answer(status=503)), "try 4: 503 Service Unavailable", tries=4),
    "cut_once": Fault(first(1, Answer(sends=0.5)), tries=2),
    "cut_thrice": Fault(first(3, Answer(sends=0.4)), tries=4),
    "no_length": Fault(always(Answer(has_length=False))),
    "no_ranges": Fault(first(1, replace(_UNRANGED, sends=0.5), _UNRANGED), tries=2),
    "stall": Fault(first(1, Answer(stalls_s=FOR_EVER_S)), tries=2),
    "stall_for_ever": Fault(
        always(Answer(stalls_s=FOR_EVER_S)), r"try 4: (no byte for|only \d+ bytes came)", tries=4
    ),
    "wrong_once": Fault(first(1, Answer(is_wrong=True)), tries=2),
    "wrong_for_ever": Fault(always(Answer(is_wrong=True)), "try 2: its sha256 is", tries=2),
    "page": Fault(always(Answer(is_page=True)), "not the file that was meant", tries=2),
    "drip_head": Fault(always(Answer(drips="head")), "try 4: no whole answer for", tries=4),
    "drip_interim": Fault(always(Answer(drips="interim")), "try 4: no whole answer for", tries=4),
    "drip_extension": Fault(
        always(Answer(drips="extension")), r"try 4: only \d+ bytes came", tries=4
    ),
    "drip_extension_once": Fault(first(1, Answer(drips="extension")), tries=2),
}
"""Faults by name; a stall or a drip lasts longer than any reader waits."""


@dataclass(frozen=True)
class Request:
    """One request that came.

    Args:
        path: Without the first slash.
        start: Where the wanted range begins; 0 for the whole.
        status: Of the answer; 0 where there was none.
    """

    path: str
    start: int
    status: int


@dataclass
class BadServer:
    """Serves a folder on a port of its own, in threads, until it is left.

    Args:
        folder: Its files are read at each request.
        fault: What is wrong, for the paths that `pattern` finds.
        pattern: A regular expression; all other paths are served well.
        drop_every: Of so many requests the connection of one is closed without an answer; of none
            where it is 0.
        seed: Decides which of them, the first one for 0.
    """

    folder: Path
    fault: Fault = field(default_factory=lambda: Fault(always(GOOD)))
    pattern: str = ""
    drop_every: int = 0
    seed: int = 0
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._asked = 0
        self._misbehaved = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.bad = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Of the folder."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def statuses(self, path: str) -> list[int]:
        """The answers to the requests for a path, in order."""
        return [request.status for request in self.requests if request.path == path]

    @property
    def misbehaved(self) -> int:
        """How many requests were not answered as by a good server."""
        return self._misbehaved

    def answer_to(self, path: str) -> Answer:
        """How the next request for a path is to be answered."""
        with self._lock:
            answer = self._next_answer(path)
            self._misbehaved += answer != GOOD
        return answer

    def _next_answer(self, path: str) -> Answer:
        number, asked = self._counts[path], self._asked
        self._counts[path] += 1
        self._asked += 1
        if self.drop_every and asked % self.drop_every == self.seed % self.drop_every:
            return Answer(drops=True)
        return self.fault.answers(number) if re.search(self.pattern, path) else GOOD

    def __enter__(self) -> "BadServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    bad: BadServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that went away is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        bad = self.server.bad
        path = self.path.lstrip("/").partition("?")[0]
        answer = bad.answer_to(path)
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        asked = int(found[1]) if found else 0
        status, body, start = self._reply(bad.folder / path, asked, answer)
        bad.requests.append(Request(path, asked, 0 if answer.drops else status))
        self.close_connection = True
        if answer.drops:
            return
        if answer.drips:
            self._drip(body, answer.drips)
            return
        self.send_response(status)
        if answer.has_length:
            self.send_header("Content-Length", str(len(body) - start))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if status < 300 and answer.has_tag:
            self.send_header("ETag", _tag(body))
        self.send_header("Connection", "close")
        self.end_headers()
        self._send(body[start:], answer)

    def log_message(self, *words: Any) -> None:
        """Silence."""

    def _reply(self, path: Path, asked: int, answer: Answer) -> tuple[int, bytes, int]:
        """Status, whole body, and where to begin in it."""
        if answer.status >= 400 or not path.is_file():
            return (answer.status if answer.status >= 400 else 404), PAGE, 0
        if answer.is_page:
            return 200, PAGE, 0
        body = path.read_bytes()
        same = self.headers.get("If-Range", _tag(body)) == _tag(body)
        if answer.is_wrong:
            body = body[:-700] + bytes([body[-700] ^ 1]) + body[-699:]
        if asked and asked >= len(body) and answer.has_ranges:
            return 416, PAGE, 0
        ranged = asked > 0 and answer.has_ranges and same
        return (206, body, asked) if ranged else (200, body, 0)

    def _drip(self, body: bytes, what: str) -> None:
        """Raw bytes, because no server does this by itself."""
        half = body[: len(body) // 2]
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n10;a="
        begins, again = {
            "head": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
            "interim": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
            "extension": (chunked % (len(half), half), b"x"),
        }[what]
        self.wfile.write(begins)
        while not self.server.bad.closing.wait(_DRIP_S):
            self.wfile.write(again)

    def _send(self, body: bytes, answer: Answer) -> None:
        closing = self.server.bad.closing
        kept = body[: int(len(body) * answer.sends)]
        middle = len(kept) // 2
        size = _PIECE_BYTES if answer.bytes_s is None else max(1, int(answer.bytes_s / 20))
        for part, pause_s in ((kept[:middle], answer.stalls_s), (kept[middle:], 0.0)):
            for begin in range(0, len(part), size):
                piece = part[begin : begin + size]
                self.wfile.write(piece)
                self.wfile.flush()
                if answer.bytes_s is not None and closing.wait(len(piece) / answer.bytes_s):
                    return
            if pause_s and closing.wait(pause_s):
                return


def _tag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:16]}"'
