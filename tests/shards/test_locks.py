"""A lock has one holder, and ends with its process."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streetclip.shards.locks import alone, is_shared, locked, release, share, try_lock

SCRIPT = """
import sys, time
from pathlib import Path
from streetclip.shards.locks import try_lock
print(try_lock(Path(sys.argv[1])) is not None, flush=True)
time.sleep(120)
"""


def test_a_lock_has_one_holder_and_its_file_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    handle = try_lock(path)
    assert handle is not None
    assert try_lock(path) is None
    release(path, handle)
    assert not path.exists()
    again = try_lock(path)
    assert again is not None
    release(path, again)


def test_many_holders_come_one_after_the_other(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "lock", [0], [0]

    def work(_: int) -> None:
        while (handle := try_lock(path)) is None:
            time.sleep(0.0005)
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.0005)
        inside[0] -= 1
        release(path, handle)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(60)))
    assert most == [1]


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "src"
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "lock")],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert try_lock(tmp_path / "lock") is None
        other.send_signal(signal.SIGKILL)
    handle = try_lock(tmp_path / "lock")
    assert handle is not None
    release(tmp_path / "lock", handle)


def test_what_is_being_read_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert not is_shared(path)
    with path.open("rb") as one, path.open("rb") as two:
        share(one.fileno())
        share(two.fileno())
        assert is_shared(path)
    assert not is_shared(path)
    assert not is_shared(tmp_path / "absent")


def test_a_short_lock_keeps_its_file(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "lock"):
            assert is_shared(tmp_path / "lock")
    assert (tmp_path / "lock").exists()


def test_who_waits_for_long_work_says_so_once_and_comes_next(tmp_path: Path) -> None:
    path, said = tmp_path / "folder" / "lock", []

    def work() -> None:
        with alone(path, lambda: said.append("waits")):
            said.append("in")

    with ThreadPoolExecutor(1) as pool:
        with alone(path, lambda: said.append("never")):
            other = pool.submit(work)
            while not said:
                time.sleep(0.005)
            time.sleep(0.5)
            assert said == ["waits"]
        other.result(timeout=60)
    assert said == ["waits", "in"]
    assert not path.exists()


def test_long_work_of_which_nothing_came_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for made in (None, "file"):
        with alone(tmp_path / "a" / "b" / "c" / "lock", lambda: None):
            if made:
                (tmp_path / "a" / "b" / made).touch()
        assert (tmp_path / "a" / "b").exists() is (made is not None)
        assert not (tmp_path / "a" / "b" / "c").exists()
