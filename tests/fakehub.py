"""A hub on this machine that knows one repository of files, for `hf download`."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "1" * 40


@contextmanager
def serve_hub(repository: str, folder: Path) -> Iterator[str]:
    """Serve the files below a folder as those of a data set.

    Args:
        repository: `OWNER/NAME`.
        folder: Its content.

    Yields:
        The hub's address, for `HF_ENDPOINT`.
    """
    handler = type("Handler", (_Handler,), {"repository": repository, "folder": folder})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    repository: str
    folder: Path

    def do_GET(self) -> None:
        """Lists of files, and files."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """What a file is."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
        """Nothing is said of requests."""

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        files = f"/datasets/{self.repository}/resolve/{COMMIT}/"
        if path.startswith(f"/api/datasets/{self.repository}"):
            self._send(json.dumps(self._listing(path)).encode(), {}, with_body)
        elif path.startswith(files) and (self.folder / path.removeprefix(files)).is_file():
            content = (self.folder / path.removeprefix(files)).read_bytes()
            tag = hashlib.sha256(content).hexdigest()
            self._send(content, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT}, with_body)
        else:
            self.send_error(404)

    def _listing(self, path: str) -> Any:
        files = sorted(file for file in self.folder.rglob("*") if file.is_file())
        names = [str(file.relative_to(self.folder)) for file in files]
        if "/tree/" in path:
            return [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": "0" * 40}
                for name, file in zip(names, files, strict=True)
            ]
        siblings = [{"rfilename": name} for name in names]
        return {"_id": "0", "id": self.repository, "sha": COMMIT, "siblings": siblings}

    def _send(self, content: bytes, headers: dict[str, str], with_body: bool) -> None:
        self.send_response(200)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)
