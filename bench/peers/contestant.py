"""A process that does one side's work on request, so that two of them can take turns.

Each side runs in a process of its own with the path it needs, reads commands from its standard
input, one a line, and answers each by a line of JSON behind a mark.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).resolve().parent
_MARK = "@answer "


class Contestant:
    """The process, from `with` to its end.

    Args:
        script: A file beside this one that calls `answer`.
        arguments: Its command line.
        path: Folders that stand first on its path.
    """

    def __init__(self, script: str, arguments: Sequence[str], *, path: Sequence[Path] = ()) -> None:
        folders = [*map(str, path), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
        # What both sides say while they work is shown only where one of them fails.
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(filter(None, folders)),
                "PYTHONWARNINGS": "ignore",
                # One side must not use more cores than the other.
                "OMP_NUM_THREADS": "1",
            },
        )
        self._script = script

    def __enter__(self) -> "Contestant":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it; its loaders end with it."""
        self._said.close()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, command: str) -> dict[str, Any]:
        """Send a command and wait for what was measured.

        Args:
            command: One that the script knows.

        Raises:
            SystemExit: The process has ended; with what it said.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            print(command, file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith(_MARK):
                answered: dict[str, Any] = json.loads(line.removeprefix(_MARK))
                return answered
        self._said.seek(0)
        raise SystemExit(
            f"{self._said.read()[-4000:]}\n"
            f"NOT MEASURED: {self._script} has ended in the middle of {command!r}"
        )


def answer(commands: Mapping[str, Callable[[], Mapping[str, Any]]]) -> None:
    """Do what is asked, until nobody asks any more.

    Args:
        commands: What each command does; it returns what it has measured.
    """
    for line in sys.stdin:
        print(_MARK + json.dumps(commands[line.strip()]()), flush=True)
