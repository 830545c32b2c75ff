"""What counts in a cache folder, and what goes first."""

import os
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from streetclip.shards.locks import release, share, try_lock
from streetclip.shards.room import Item, lock_of, make_room, survey
from streetclip.shards.transfer import part_of

A, B, C, D = (letter * 64 for letter in "abcd")
URL = "url-" + D
LATELY = time.time_ns() - 60 * 10**9


def put(path: Path, size: int, *, used: int) -> Path:
    path.write_bytes(bytes(size))
    os.utime(path, ns=(LATELY + used, LATELY + used))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two finished files, the partial file of a dead process, and what is none of ours."""
    put(tmp_path / A, 100, used=3000)
    put(tmp_path / URL, 200, used=1000)
    put(part_of(tmp_path / B), 50, used=2000)
    lock_of(tmp_path / B).write_text(f"{700:020}")
    put(tmp_path / ".lock", 0, used=0)
    put(tmp_path / "notes.txt", 5000, used=0)
    return tmp_path


def test_files_and_parts_count_and_nothing_else(folder: Path) -> None:
    expected = {
        Item(A, folder / A, 100, 100, LATELY + 3000),
        Item(URL, folder / URL, 200, 200, LATELY + 1000),
        Item(B, part_of(folder / B), 50, 50, LATELY + 2000),
    }
    assert set(survey(folder)) == expected
    assert not lock_of(folder / B).exists()


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param([[f".{C}.lock", f".{C}.part"], [f".{C}.lock", f".{C}.part"]], id="after both"),
        pytest.param([[f".{C}.part"], []], id="in the second"),
        pytest.param([[], [C]], id="in the first"),
    ],
)
def test_a_file_that_gets_its_name_while_the_folder_is_listed_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists: list[list[str]]
) -> None:
    # Its transfer has ended and given its lock back by the time that files are looked at.
    put(tmp_path / C, 100, used=0)
    listing = Mock(side_effect=[[tmp_path / name for name in names] for names in lists])
    monkeypatch.setattr(Path, "iterdir", listing)
    assert survey(tmp_path) == [Item(C, tmp_path / C, 100, 100, LATELY)]


def test_a_running_transfer_counts_with_what_it_will_need(folder: Path) -> None:
    handles = {}
    for name, promised in ((B, b"700"), (C, b"900"), (A, b"100"), (D, b"")):
        handle = handles[name] = try_lock(lock_of(folder / name))
        assert handle is not None
        os.ftruncate(handle, 0)
        os.pwrite(handle, promised, 0)
    found = {item.name: (item.bytes, item.is_moving) for item in survey(folder)}
    moving = {A: (100, True), B: (700, True), C: (900, True), D: (0, True)}
    assert found == moving | {URL: (200, False)}
    for name, handle in handles.items():
        assert handle is not None
        release(lock_of(folder / name), handle)


@pytest.mark.parametrize(
    ("needed", "keep", "left", "short"),
    [
        (150, set(), {A, URL, B}, 0),
        (151, set(), {A, B}, 0),
        (351, set(), {A}, 0),
        (400, set(), {A}, 0),
        (401, set(), set(), 0),
        (600, set(), set(), 100),
        (401, {A}, {A}, 1),
        (151, {URL}, {A, URL}, 0),
    ],
)
def test_what_was_not_used_for_longest_goes_first(
    folder: Path, needed: int, keep: set[str], left: set[str], short: int
) -> None:
    shortage = make_room(folder, needed, 500, own=C, keep=keep)
    assert (shortage.bytes, shortage.may_pass) == (short, False)
    assert {item.name for item in survey(folder)} == left
    assert (folder / "notes.txt").exists()


def test_what_is_read_goes_last_and_what_moves_stays(folder: Path) -> None:
    handle = try_lock(lock_of(folder / B))
    assert handle is not None
    os.ftruncate(handle, 0)
    with (folder / URL).open("rb") as reading:
        share(reading.fileno())
        assert make_room(folder, 250, 500, own=C, keep=set()).bytes == 0
        assert {item.name for item in survey(folder)} == {URL, B}
        shortage = make_room(folder, 500, 500, own=C, keep=set())
        assert (shortage.bytes, shortage.may_pass) == (50, True)
    release(lock_of(folder / B), handle)


def test_what_is_there_of_a_file_is_part_of_what_it_needs(folder: Path) -> None:
    assert make_room(folder, 200, 500, own=B, keep=set()).bytes == 0
    assert {item.name for item in survey(folder)} == {A, B, URL}


def test_a_transfer_that_begins_while_room_is_made_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int | None] = []

    def begin(path: Path) -> bool:
        if not begun:
            begun.append(try_lock(lock_of(folder / B)))
        return False

    monkeypatch.setattr("streetclip.shards.room.is_shared", begin)
    shortage = make_room(folder, 500, 500, own=C, keep=set())
    assert (shortage.bytes, shortage.may_pass) == (50, True)
    assert begun[0] is not None
    release(lock_of(folder / B), begun[0])


def test_an_old_partial_file_goes_even_if_there_is_room(folder: Path) -> None:
    def age(days: float) -> None:
        then = time.time_ns() - int(days * 24 * 3600 * 10**9)
        for name in (part_of(folder / B), folder / A):
            os.utime(name, ns=(then, then))

    age(6.9)
    assert make_room(folder, 10, 500, own=C, keep=set()).bytes == 0
    assert part_of(folder / B).exists()
    age(7.1)
    # Who is about to go on with it keeps it, and so does who is at it.
    assert make_room(folder, 10, 500, own=B, keep=set()).bytes == 0
    handle = try_lock(lock_of(folder / B))
    assert handle is not None
    assert make_room(folder, 10, 500, own=C, keep=set()).bytes == 0
    assert part_of(folder / B).exists()
    release(lock_of(folder / B), handle)
    assert make_room(folder, 10, 500, own=C, keep=set()).bytes == 0
    assert {item.name for item in survey(folder)} == {A, URL}
