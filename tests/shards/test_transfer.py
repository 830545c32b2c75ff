"""A file arrives whole or not at all, whatever a server does, and in bounded time."""

import errno
import hashlib
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.badserver import FAULTS, FOR_EVER_S, Answer, BadServer, Fault, always, first

from streetclip.errors import AbsentError, ShardError
from streetclip.shards.effort import Effort
from streetclip.shards.remote import RemoteFile
from streetclip.shards.tar import check_tar
from streetclip.shards.transfer import fetch, part_of

WriteTar = Callable[..., Path]
DATA = random.Random(0).randbytes(200_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
QUICK = Effort(timeout_s=20.0, tries=4, pause_s=0.01)
IMPATIENT = Effort(timeout_s=0.3, tries=4, pause_s=0.01)
STALLS = Answer(stalls_s=FOR_EVER_S)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A folder with one file."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.tar").write_bytes(DATA)
    return folder


def known(server: BadServer) -> RemoteFile:
    return RemoteFile(f"{server.url}/a.tar", len(DATA), SHA256)


def unknown(server: BadServer) -> RemoteFile:
    return RemoteFile(f"{server.url}/a.tar")


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_borne_or_refused_in_bounded_time(
    tmp_path: Path, served: Path, name: str
) -> None:
    fault, target = FAULTS[name], tmp_path / "a.tar"
    effort = IMPATIENT if name.startswith(("stall", "drip")) else QUICK
    began = time.monotonic()
    with BadServer(served, fault) as server:
        if fault.refusal is None:
            fetch(known(server), target, effort=effort)
            assert target.read_bytes() == DATA
        else:
            with pytest.raises(ShardError, match=f"a.tar cannot be fetched; .*{fault.refusal}"):
                fetch(known(server), target, effort=effort)
            assert not target.exists()
        if effort is QUICK:
            assert len(server.requests) == fault.tries
    assert time.monotonic() - began < 60
    # Half of the file has come, and another transfer can go on with it.
    may_come = name in ("stall_for_ever", "drip_extension")
    assert part_of(target).exists() == may_come


@pytest.mark.parametrize("drips", ["head", "interim", "extension"])
def test_a_wish_to_end_is_noticed_while_a_server_drips(
    tmp_path: Path, served: Path, drips: str
) -> None:
    stop = threading.Event()
    with BadServer(served, Fault(always(Answer(drips=drips)))) as server:
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(ShardError, match="cannot be fetched; got: stopped"):
            fetch(known(server), tmp_path / "a.tar", effort=QUICK, stop=stop)
    assert time.monotonic() - began < 5


def test_a_server_that_drips_is_left_after_the_timeouts(tmp_path: Path, served: Path) -> None:
    effort = Effort(timeout_s=1.0, tries=2, pause_s=0.01)
    for drips in ("head", "interim", "extension"):
        began = time.monotonic()
        with BadServer(served, Fault(always(Answer(drips=drips)))) as server:
            with pytest.raises(ShardError, match="cannot be fetched"):
                fetch(known(server), tmp_path / "a.tar", effort=effort)
            assert len(server.requests) == 2
        assert 2 <= time.monotonic() - began < 10


def test_what_a_given_up_transfer_has_left_is_continued(tmp_path: Path, served: Path) -> None:
    target = tmp_path / "a.tar"
    for size in (len(DATA), None):
        target.unlink(missing_ok=True)
        with BadServer(served, Fault(first(4, STALLS))) as server:
            file = RemoteFile(f"{server.url}/a.tar", size, SHA256)
            with pytest.raises(ShardError, match="try 4: "):
                fetch(file, target, effort=IMPATIENT)
            there = part_of(target).stat().st_size
            fetch(file, target, effort=QUICK)
            last = server.requests[-1]
            assert (last.start, last.status) == (there, 206)
        assert target.read_bytes() == DATA
        assert not part_of(target).exists()


@pytest.mark.parametrize("status", [404, 403, 400])
def test_a_permanent_refusal_leaves_no_partial_file(
    tmp_path: Path, served: Path, status: int
) -> None:
    refuses = Fault(first(1, Answer(sends=0.5), Answer(status=status)))
    with (
        BadServer(served, refuses) as server,
        pytest.raises(ShardError, match=f"try 2: {status}"),
    ):
        fetch(known(server), tmp_path / "a.tar", effort=QUICK)
    assert list(tmp_path.iterdir()) == [served]


def test_a_transfer_goes_on_where_it_stopped(tmp_path: Path, served: Path) -> None:
    for number, file in enumerate((known, unknown)):
        with BadServer(served, Fault(first(1, STALLS))) as server:
            fetch(file(server), tmp_path / f"{number}.tar", effort=IMPATIENT)
            assert server.requests[1].start == len(DATA) // 2
        assert (tmp_path / f"{number}.tar").read_bytes() == DATA


def test_another_version_of_a_file_is_never_mixed_with_the_first(
    tmp_path: Path, served: Path
) -> None:
    def answers(number: int) -> Answer:
        if number == 1:
            (served / "a.tar").write_bytes(DATA[::-1])
        return STALLS if number == 0 else Answer()

    with BadServer(served, Fault(answers)) as server:
        fetch(unknown(server), tmp_path / "a.tar", effort=IMPATIENT)
        assert server.statuses("a.tar") == [200, 200]
    assert (tmp_path / "a.tar").read_bytes() == DATA[::-1]


def test_without_digest_and_tag_a_transfer_begins_anew(tmp_path: Path, served: Path) -> None:
    untagged = Fault(first(1, Answer(stalls_s=FOR_EVER_S, has_tag=False), Answer(has_tag=False)))
    with BadServer(served, untagged) as server:
        fetch(unknown(server), tmp_path / "a.tar", effort=IMPATIENT)
        assert [request.start for request in server.requests] == [0, 0]
    assert (tmp_path / "a.tar").read_bytes() == DATA


@pytest.mark.parametrize(("there", "start"), [(DATA[:70_000], 70_000), (DATA + b"x", 0)])
def test_what_a_killed_process_left_is_continued_if_it_can_be_checked(
    tmp_path: Path, served: Path, there: bytes, start: int
) -> None:
    target = tmp_path / "a.tar"
    with BadServer(served) as server:
        part_of(target).write_bytes(there)
        fetch(known(server), target, effort=QUICK)
        part_of(target).write_bytes(there)
        fetch(unknown(server), target, effort=QUICK)
        assert [request.start for request in server.requests] == [start, 0]
    assert target.read_bytes() == DATA


def test_a_file_that_only_lacks_its_name_is_not_fetched_again(tmp_path: Path, served: Path) -> None:
    with BadServer(served) as server:
        for size in (len(DATA), None):
            part_of(tmp_path / "a.tar").write_bytes(DATA)
            file = RemoteFile(f"{server.url}/a.tar", size, SHA256)
            fetch(file, tmp_path / "a.tar", effort=QUICK)
        assert server.requests == []
    assert (tmp_path / "a.tar").read_bytes() == DATA


def test_damage_of_what_was_left_is_found(tmp_path: Path, served: Path) -> None:
    with BadServer(served) as server:
        part_of(tmp_path / "a.tar").write_bytes(b"x" * 1000)
        fetch(known(server), tmp_path / "a.tar", effort=QUICK)
        assert [request.start for request in server.requests] == [1000, 0]
    assert (tmp_path / "a.tar").read_bytes() == DATA


def test_a_body_cut_without_length_is_found_by_walking_the_tar(
    tmp_path: Path, write_tar: WriteTar, sample: Callable[[str], list[tuple[str, bytes]]]
) -> None:
    folder = write_tar(sample("x") + sample("y")).parent
    target = tmp_path / "000000.tar"
    cut = Answer(has_length=False, sends=0.3)
    with BadServer(folder, Fault(first(1, cut))) as server:
        file = RemoteFile(f"{server.url}/000000.tar", check=check_tar)
        fetch(file, target, effort=QUICK)
        assert target.read_bytes() == (folder / "000000.tar").read_bytes()
    target.unlink()
    with BadServer(folder, Fault(always(cut))) as server:
        file = RemoteFile(f"{server.url}/000000.tar", check=check_tar)
        with pytest.raises(ShardError, match=r"got: try 1: it is cut short; .*upload it again"):
            fetch(file, target, effort=QUICK)
    assert not target.exists()
    assert not part_of(target).exists()


def test_a_file_that_drips_is_given_up(tmp_path: Path, served: Path) -> None:
    effort = Effort(timeout_s=0.5, tries=1)
    with (
        BadServer(served, Fault(always(Answer(bytes_s=100)))) as server,
        pytest.raises(ShardError, match=r"got: only \d+ bytes came in"),
    ):
        fetch(known(server), tmp_path / "a.tar", effort=effort)


def test_a_server_that_is_not_there_is_tried_again(
    tmp_path: Path, served: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with BadServer(served) as server:
        gone = known(server)
    with (
        caplog.at_level(logging.WARNING, "streetclip"),
        pytest.raises(ShardError, match=r"try 1: ClientConnectorError.*try 4: ClientConnector"),
    ):
        fetch(gone, tmp_path / "a.tar", effort=QUICK)
    assert caplog.text.count("trying again in") == 3


@pytest.mark.parametrize(("status", "remedy"), [(401, "netrc"), (403, "netrc"), (410, "the URL")])
def test_what_may_not_be_read_is_refused_at_once(
    tmp_path: Path, served: Path, status: int, remedy: str
) -> None:
    with BadServer(served, Fault(always(Answer(status=status)))) as server:
        with pytest.raises(AbsentError, match=rf"/a\.tar\?\.\.\. cannot .*{status} .*{remedy}"):
            fetch(RemoteFile(f"{server.url}/a.tar?token=secret"), tmp_path / "a", effort=QUICK)
        assert server.statuses("a.tar") == [status]


def test_a_full_disk_is_named_and_gets_its_room_back(
    tmp_path: Path, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        BadServer(served) as server,
        pytest.raises(ShardError, match=r"is full; got: .*No space left.*data\.remote\.cache_dir"),
    ):
        fetch(known(server), tmp_path / "a.tar", effort=QUICK)
    assert list(tmp_path.iterdir()) == [served]


def test_room_is_asked_for_before_a_byte_is_written(tmp_path: Path, served: Path) -> None:
    asked: list[int] = []
    with BadServer(served, Fault(first(1, Answer(has_length=False)))) as server:
        fetch(unknown(server), tmp_path / "a.tar", effort=QUICK, room=asked.append)
        assert asked[0] == 0
        assert asked[-1] == len(DATA)
        asked.clear()
        fetch(unknown(server), tmp_path / "a.tar", effort=QUICK, room=asked.append)
        assert asked == [len(DATA)]

        def refuse(needed: int) -> None:
            raise ShardError(f"no room for {needed}")

        with pytest.raises(ShardError, match=f"no room for {len(DATA)}"):
            fetch(unknown(server), tmp_path / "b.tar", effort=QUICK, room=refuse)
    assert not part_of(tmp_path / "b.tar").exists()


def test_a_transfer_can_be_stopped(tmp_path: Path, served: Path) -> None:
    stop = threading.Event()
    with BadServer(served, Fault(always(Answer(bytes_s=50_000)))) as server:
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(ShardError, match="cannot be fetched; got: stopped"):
            fetch(known(server), tmp_path / "a.tar", effort=QUICK, stop=stop)
    assert 0 < part_of(tmp_path / "a.tar").stat().st_size < len(DATA)


def test_a_shell_is_never_run(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="runs a shell command and is refused"):
        fetch(RemoteFile(f"pipe:touch {tmp_path}/ran"), tmp_path / "a", effort=QUICK)
    assert list(tmp_path.iterdir()) == []
