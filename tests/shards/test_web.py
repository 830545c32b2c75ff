"""What the head of an answer means."""

import re
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.badserver import Answer, BadServer, Fault, always

from streetclip.errors import FetchError
from streetclip.shards.web import Facts, WebStream, facts_of


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {"Content-Length": "10", "ETag": '"v1"'}, Facts(0, 10, '"v1"')),
        (200, {"ETag": 'W/"v1"'}, Facts(0, None, None)),
        (200, {"Content-Length": "10", "Content-Encoding": "gzip"}, Facts(0, None, None)),
        (206, {"Content-Range": "bytes 4-9/10"}, Facts(4, 10, None)),
        (206, {"Content-Range": "bytes 4-9/*"}, Facts(4, None, None)),
        (200, {"Content-Length": "²"}, Facts(0, None, None)),
        (200, {"Content-Length": "9" * 5000}, Facts(0, None, None)),
    ],
)
def test_a_good_answer_tells_where_it_begins(
    status: int, headers: dict[str, str], expected: Facts
) -> None:
    assert facts_of(status, headers, offset=4) == expected


@pytest.mark.parametrize(
    ("status", "headers", "final", "absent", "anew", "wait_s"),
    [
        (206, {"Content-Range": "bytes 0-9/10"}, False, False, True, 0),
        (206, {}, False, False, True, 0),
        (304, {}, True, False, False, 0),
        (400, {}, True, False, False, 0),
        (403, {}, True, True, False, 0),
        (404, {}, True, True, False, 0),
        (416, {}, False, False, True, 0),
        (429, {"Retry-After": "7"}, False, False, False, 7),
        (503, {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, False, False, False, 3600),
        (503, {"Retry-After": "Fri, 01 Jan 2010 00:00:00 GMT"}, False, False, False, 0),
        (503, {"Retry-After": "Fri, 01 Jan 2100 00:00:00 -0000"}, False, False, False, 3600),
        (503, {"Retry-After": "Fri, 99 Jan 2100 99:00:00 GMT"}, False, False, False, 0),
        (503, {"Retry-After": "²"}, False, False, False, 0),
        (503, {"Retry-After": "-5"}, False, False, False, 0),
        (503, {"Retry-After": "1e3"}, False, False, False, 0),
        (503, {"Retry-After": "inf"}, False, False, False, 0),
        (503, {"Retry-After": "9" * 5000}, False, False, False, 3600),
        (206, {"Content-Range": f"bytes {'4' * 5000}-9/10"}, False, False, True, 0),
        (599, {}, False, False, False, 0),
    ],
)
def test_a_bad_answer_tells_whether_to_try_again(
    status: int, headers: dict[str, str], final: bool, absent: bool, anew: bool, wait_s: float
) -> None:
    with pytest.raises(FetchError, match=f"^{status}" if status != 206 else "from 4 on") as caught:
        facts_of(status, headers, offset=4)
    error = caught.value
    assert (error.final, error.absent, error.anew, error.wait_s) == (final, absent, anew, wait_s)


def test_a_stream_begins_where_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    for answer, begins in ((Answer(), 4), (Answer(has_ranges=False), 0)):
        with BadServer(tmp_path, Fault(always(answer))) as server:
            stream = WebStream(f"{server.url}/a", offset=4, timeout_s=20.0)
            assert (stream.start, stream.total, stream.read()) == (
                begins,
                10,
                b"0123456789"[begins:],
            )
            assert stream.read() == b""
            stream.close()


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999/a"])
def test_a_url_that_is_none_is_not_tried_again(url: str) -> None:
    with pytest.raises(FetchError, match=r"(?i)url|port") as caught:
        WebStream(url, timeout_s=5.0)
    assert caught.value.final


@pytest.mark.parametrize("status", [301, 302, 307])
def test_no_secret_of_a_url_or_of_a_redirect_is_told(status: int) -> None:
    class Turning(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "/again?token=OTHER")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Turning) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://me:PASSWORD@127.0.0.1:{server.server_address[1]}/a.tar?token=SECRET"
        with pytest.raises(FetchError, match="TooManyRedirects") as caught:
            WebStream(url, timeout_s=20.0)
        server.shutdown()
        thread.join()
    told = "".join(traceback.format_exception(caught.value))
    assert not re.search("PASSWORD|SECRET|OTHER", told)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:PASSWORD@127.0.0.1:99999/a?token=SECRET",
        "http://me:PASS WORD@[::1/a?token=SECRET",
        "http://me:PASSWORD/SECRET@127.0.0.1:1/a",
        "http://me:PASSWORD@/a?SECRET",
    ],
)
def test_no_secret_of_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        WebStream(url, timeout_s=5.0)
    assert not re.search("PASS|WORD|SECRET", "".join(traceback.format_exception(caught.value)))
