"""Files of object stores, and of every other file system that fsspec knows."""

import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from streetclip.errors import AbsentError, ShardError
from streetclip.shards.effort import Effort
from streetclip.shards.remote import RemoteFile
from streetclip.shards.stores import failure_of, within
from streetclip.shards.transfer import fetch, part_of

DATA = random.Random(0).randbytes(9_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
QUICK = Effort(timeout_s=20.0, tries=3, pause_s=0.01)


class StatusError(Exception):
    """An error as libraries raise it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@pytest.mark.parametrize(
    ("error", "final", "absent"),
    [
        (FileNotFoundError("a"), True, True),
        (PermissionError("a"), True, True),
        (OSError("Forbidden: b/a"), True, True),
        (StatusError(404), True, True),
        (StatusError(503), False, False),
        (IsADirectoryError(21, "a"), True, False),
        (ValueError("Bad Request"), True, False),
        (ConnectionResetError(104, "reset"), False, False),
    ],
)
def test_an_error_tells_whether_to_try_again(error: Exception, final: bool, absent: bool) -> None:
    failure = failure_of(error)
    assert (failure.final, failure.absent) == (final, absent)
    assert failure.reason.startswith(type(error).__name__)


def test_what_hangs_is_left_behind() -> None:
    hanging = threading.Event()
    with pytest.raises(TimeoutError):
        within(lambda: hanging.wait(60), 0.05)
    hanging.set()
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        within(lambda: 1 / 0, 60)


def test_a_file_arrives_in_pieces_and_is_continued(tmp_path: Path) -> None:
    with fsspec.open("memory://test_stores/a.tar", "wb") as out:
        out.write(DATA)
    (tmp_path / "there.tar").write_bytes(DATA)
    for url in ("memory://test_stores/a.tar", f"file://{tmp_path}/there.tar"):
        for left in (b"", DATA[:5_000_000]):
            part_of(tmp_path / "a.tar").write_bytes(left)
            fetch(RemoteFile(url, len(DATA), SHA256), tmp_path / "a.tar", effort=QUICK)
            assert (tmp_path / "a.tar").read_bytes() == DATA


def test_what_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    for url in ("memory://test_stores/b.tar", f"file://{tmp_path}/b.tar"):
        with pytest.raises(AbsentError, match=r"b\.tar cannot be fetched; got: FileNotFoundError"):
            fetch(RemoteFile(url), tmp_path / "a.tar", effort=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> Any:
        raise ImportError("Install gcsfs to access Google Storage")

    monkeypatch.setattr("streetclip.shards.stores.url_to_fs", missing)
    with pytest.raises(ShardError, match=r"Install gcsfs .*pip install 'streetclip\[gs\]'"):
        fetch(RemoteFile("gs://bucket/a.tar"), tmp_path / "a.tar", effort=QUICK)


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """A client of an S3 server on this machine, with the bucket ``shards``."""
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="moto is not installed")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    url = f"http://127.0.0.1:{running.get_host_and_port()[1]}"
    patch = pytest.MonkeyPatch()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "testing")
    patch.setitem(fsspec.config.conf, "s3", {"endpoint_url": url})
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
    client.create_bucket(Bucket="shards")
    yield client
    patch.undo()
    running.stop()


def test_a_file_arrives_from_s3_and_is_continued(tmp_path: Path, bucket: Any) -> None:
    bucket.put_object(Bucket="shards", Key="set/a.tar", Body=DATA)
    for left in (b"", DATA[:5_000_000]):
        part_of(tmp_path / "a.tar").write_bytes(left)
        file = RemoteFile("s3://shards/set/a.tar", len(DATA), SHA256)
        fetch(file, tmp_path / "a.tar", effort=QUICK)
        assert (tmp_path / "a.tar").read_bytes() == DATA
    with pytest.raises(AbsentError, match=r"absent\.tar cannot be fetched; got: FileNotFoundError"):
        fetch(RemoteFile("s3://shards/absent.tar"), tmp_path / "b.tar", effort=QUICK)
    with pytest.raises(AbsentError, match=r"FileNotFoundError|bucket"):
        fetch(RemoteFile("s3://no-such-bucket/a.tar"), tmp_path / "b.tar", effort=QUICK)


def test_an_s3_server_that_is_not_there_is_tried_again_by_us_alone(
    tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": "http://127.0.0.1:9"})
    with pytest.raises(ShardError, match=r"try 1: EndpointConnection.*try 3: EndpointConnection"):
        fetch(RemoteFile("s3://shards/a.tar"), tmp_path / "a.tar", effort=QUICK)
    assert list(tmp_path.iterdir()) == []
