"""Cases: each runs in a forked process of its own, in its own process group and folder."""

import json
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.faults.tally import Tally, total
from tests.processfamily import kill_family

_log = logging.getLogger(__name__)

LOG = "case.log"
"""What a case and its processes print."""

_TALLY = "tally.json"
_POLL_S = 0.01


@dataclass(frozen=True)
class Case:
    """A disturbed run, or several that belong together.

    Args:
        name: Of the case and its folder.
        work: Called in a process of its own with the case's folder; says what became of the faults.
        faults: How many it injects; none of them is survived where the case itself fails.
        timeout_s: Longest time, seconds.
    """

    name: str
    work: Callable[[Path], Tally]
    faults: int = 1
    timeout_s: float = 300.0


def run_cases(cases: Sequence[Case], folder: Path, *, at_once: int = 2) -> Tally:
    """Run cases, and end all that they leave behind.

    Args:
        cases: With different names.
        folder: Where their folders go; those of cases that survived are deleted.
        at_once: Cases that run at the same time.

    Returns:
        The sum of their tallies.
    """
    waiting, done = list(reversed(cases)), list[Tally]()
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_Running(waiting.pop(), folder))
            time.sleep(_POLL_S)
            for case in [case for case in running if case.is_over()]:
                running.remove(case)
                done.append(case.end())
                _log.info("%s: %d of %d cases", folder.name, len(done), len(cases))
    finally:
        for case in running:
            case.end()
    return total(done)


class _Running:
    def __init__(self, case: Case, folder: Path) -> None:
        self._case = case
        self._folder = folder / case.name
        self._folder.mkdir(parents=True)
        context = multiprocessing.get_context("fork")
        self._process: BaseProcess = context.Process(
            target=_work, args=(case, self._folder), daemon=False
        )
        self._process.start()
        self._give_up = time.monotonic() + case.timeout_s

    def is_over(self) -> bool:
        return self._process.exitcode is not None or time.monotonic() > self._give_up

    def end(self) -> Tally:
        """Kill what is left of the process group, and say what became of the case."""
        was_over = self._process.exitcode is not None
        assert self._process.pid is not None
        if not was_over:
            kill_family(self._process.pid)
            self._process.kill()
        with suppress(ProcessLookupError):  # nobody is left of its group
            os.killpg(self._process.pid, signal.SIGKILL)
        while self._process.exitcode is None:
            time.sleep(_POLL_S)
        tally = self._tally(was_over=was_over)
        if tally.is_clean:
            shutil.rmtree(self._folder)
        return tally

    def _tally(self, *, was_over: bool) -> Tally:
        if (self._folder / _TALLY).exists():
            values = json.loads((self._folder / _TALLY).read_text())
            tally = Tally(**{**values, "failures": tuple(values["failures"])})
            if tally.is_clean:
                return tally
            reason = f"lost {tally.lost}, repeated {tally.repeated}, differing {tally.differing}"
        else:
            tally = Tally(injected=self._case.faults)
            reason = _last_line(self._folder / LOG) if was_over else "not done in time"
        failure = f"{self._folder}: {'; '.join(tally.failures) or reason}"
        _log.error("failed: %s", failure)
        return Tally(**{**asdict(tally), "failures": (failure,)})


def _work(case: Case, folder: Path) -> None:
    os.setsid()
    # What a process does of itself, not what the harness does.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _print_to(folder / LOG)
    tally = case.work(folder)
    part = folder / f"{_TALLY}.part"
    part.write_text(json.dumps(asdict(tally)))
    part.rename(folder / _TALLY)


def _print_to(log: Path) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (1, 2):
        os.dup2(handle, number)
    # Whatever these were, a test's capture perhaps, they do not lead to the file.
    sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, force=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line for line in reversed(lines) if line.strip()), "no word")
