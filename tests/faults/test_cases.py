"""A case that fails, hangs or dies is never counted as survived, and leaves no process."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.faults.cases import Case, run_cases
from tests.faults.tally import Tally
from tests.forkedranks import fork_ranks


def _survive(folder: Path) -> Tally:
    return Tally(injected=2, survived=2, kills=1)


def _raise(folder: Path) -> Tally:
    raise AssertionError("the run was broken")


def _differ(folder: Path) -> Tally:
    return Tally(injected=1, survived=0, lost=3)


def _die(folder: Path) -> Tally:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody gets here")


def _hang(folder: Path) -> Tally:
    context = multiprocessing.get_context("fork")
    child = context.Process(target=time.sleep, args=(600.0,))
    child.start()
    (folder.parent / "child").write_text(str(child.pid))
    child.join()
    return Tally(injected=1, survived=1)


def _lives(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # it is gone
        return False


def test_the_numbers_of_all_cases_add_up(tmp_path: Path) -> None:
    cases = [Case(f"{number}", _survive) for number in range(5)]
    assert run_cases(cases, tmp_path) == Tally(injected=10, survived=10, kills=5)
    assert not list(tmp_path.iterdir()), "folders of cases that survived are deleted"


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (_raise, "AssertionError: the run was broken"),
        (_differ, "lost 3, repeated 0, differing 0"),
        (_die, "no word"),
    ],
)
def test_a_case_that_fails_is_named_and_kept(
    tmp_path: Path, work: Callable[[Path], Tally], reason: str
) -> None:
    tally = run_cases([Case("good", _survive), Case("bad", work, faults=1)], tmp_path)
    assert (tally.injected, tally.survived) == (3, 2)
    assert tally.failures == (f"{tmp_path / 'bad'}: {reason}",)
    assert not tally.is_clean
    assert (tmp_path / "bad").is_dir()


def test_a_case_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    tally = run_cases([Case("slow", _hang, timeout_s=3.0)], tmp_path)
    assert tally.failures == (f"{tmp_path / 'slow'}: not done in time",)
    child = Path("/proc") / (tmp_path / "child").read_text()
    give_up = time.monotonic() + 30.0
    while _lives(child) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not _lives(child)


@pytest.mark.parametrize(
    ("tally", "is_clean"),
    [
        (Tally(), False),
        (Tally(injected=1, survived=1), True),
        (Tally(injected=2, survived=1), False),
        (Tally(injected=1, survived=1, lost=1), False),
        (Tally(injected=1, survived=1, repeated=1), False),
        (Tally(injected=1, survived=1, differing=1), False),
        (Tally(injected=1, survived=1, failures=("x",)), False),
    ],
)
def test_only_faults_that_left_no_trace_are_clean(tally: Tally, is_clean: bool) -> None:
    assert tally.is_clean is is_clean


def test_ranks_that_hang_are_ended_and_refused() -> None:
    with pytest.raises(TimeoutError, match=r"ranks \[0, 1\] of 2 were not done after 0.5 s"):
        fork_ranks(lambda: time.sleep(600.0), 2, timeout_s=0.5)


def test_ranks_are_ended_by_the_clock_only_if_they_are_not_done() -> None:
    assert fork_ranks(lambda: time.sleep(600.0), 2, kill_after_s=0.5) == [-9, -9]
    assert fork_ranks(lambda: None, 2, kill_after_s=60.0) == [0, 0]


def _fail_on_rank_1(others_s: float) -> None:
    if os.environ["LOCAL_RANK"] == "1":
        raise SystemExit(7)
    time.sleep(others_s)


def test_the_other_ranks_have_their_grace() -> None:
    assert fork_ranks(partial(_fail_on_rank_1, 600.0), 2) == [-9, 7]
    assert fork_ranks(partial(_fail_on_rank_1, 0.5), 2, grace_s=60.0) == [0, 7]
