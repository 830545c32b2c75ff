"""The same faults through the real command, one case of a test."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.differences import Difference, difference
from tests.faults.cases import Case
from tests.faults.disturbed import judged
from tests.faults.tally import Tally
from tests.realcommand import ALONE, PATIENCE_S, Command, environment
from tests.tinyrun import write_experiment

RESUME = ("--resume", "auto")
TIMEOUT_S = 6 * PATIENCE_S
Compare = Callable[[Path, Path], Difference]


@dataclass(frozen=True)
class Life:
    """A life of a command that is ended by a kill.

    Args:
        until: Whether its time has come.
        options: Overrides of this life.
    """

    until: Callable[[Command], bool]
    options: tuple[str, ...] = ()


def undisturbed_command(work: Path, *options: str) -> Command:
    """The command without faults; runs once for all cases that ask for it.

    Args:
        work: Folder of the whole harness.
        options: Overrides.
    """
    folder = work / "command"
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256(repr(options).encode()).hexdigest()[:12]
    whole = Command(write_experiment(folder), folder / name, options=options)
    if not whole.runs.exists():
        part = replace(whole, runs=folder / f"{name}.part")
        part.finish()
        part.runs.rename(whole.runs)
    return whole


def killed_command(
    whole: Command,
    lives: Sequence[Life],
    *,
    launcher: tuple[str, ...] = ALONE,
    last: tuple[str, ...] = (),
    compare: Compare = difference,
) -> Case:
    """A case of a command that is killed, resumed, killed again, and in the end finishes.

    Args:
        whole: The undisturbed command.
        lives: Those that end by a kill.
        launcher: Words between the interpreter and the command's own.
        last: Overrides of the life that finishes.
        compare: What differs between two run folders.
    """

    def work(folder: Path) -> Tally:
        command = replace(whole, runs=folder / "runs", launcher=launcher)
        for number, life in enumerate(lives):
            resume = RESUME if number else ()
            command.kill_when(partial(life.until, command), *resume, *life.options)
        command.finish(*RESUME, *last)
        return command_verdict(command, whole, kills=len(lives), compare=compare)

    name = "command" if launcher == ALONE else "command_torchrun"
    return Case(name, work, faults=len(lives), timeout_s=TIMEOUT_S)


def command_verdict(
    command: Command,
    whole: Command,
    *,
    kills: int = 0,
    others: int = 0,
    compare: Compare = difference,
) -> Tally:
    """Compare the run of a command, its only one, with the undisturbed one."""
    runs = [path.name for path in command.run.parent.iterdir()]
    assert runs == [command.run.name], f"the command has made several runs: {sorted(runs)}"
    return judged(compare(command.run, whole.run), command.run, kills=kills, others=others)


def disturbed_command(
    whole: Command, disturb: Callable[[Command], str], *, faults: int = 1, name: str = "command"
) -> Case:
    """A case of a command that is killed once, disturbed, and resumed to its end.

    Args:
        whole: The undisturbed command.
        disturb: Called when it was killed; says what the command must print when it is resumed.
        faults: How many it injects.
        name: Of the case.
    """

    def work(folder: Path) -> Tally:
        command = replace(whole, runs=folder / "runs")
        command.kill_when(partial(saved(4), command))
        words = disturb(command)
        printed = command.finish(*RESUME)
        assert words in printed, f"nobody says {words!r}: {printed}"
        return command_verdict(command, whole, kills=1, others=faults)

    return Case(name, work, faults=1 + faults, timeout_s=TIMEOUT_S)


def saved(step: int) -> Callable[[Command], bool]:
    """A time: there is a checkpoint of so many optimizer steps or more."""
    return lambda command: command.newest_step >= step


def streetclip(*words: object, code: int) -> str:
    """Run any command to its end, and return what it printed.

    Args:
        words: Its arguments.
        code: The exit code that it must have.
    """
    done = subprocess.run(
        [sys.executable, *ALONE, *map(str, words)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == code, done.stdout
    return done.stdout
