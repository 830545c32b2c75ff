"""`streetclip pretrain` in a process group of its own, ended at any moment."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processfamily import kill_family, ranks_of

STEPS = 25
"""Of an epoch; there are two."""
OPTIONS = (f"data.sample_world.photos={8 * STEPS}", "trainer.loggers=[csv]")
ALONE = ("-m", "streetclip")
TORCHRUN = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1", *ALONE)
PATIENCE_S = 300.0
"""A rank needs some seconds for its imports, on a machine with other work much longer."""
SOURCE = Path(__file__).resolve().parent.parent / "src"


def environment() -> dict[str, str]:
    """Of a Python process that uses this checkout's package and leaves cores to others."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SOURCE)}


@dataclass(frozen=True)
class Command:
    """`streetclip pretrain` of one experiment.

    Args:
        experiment: The experiment file; its folder holds the shards too.
        runs: Where this command's runs are written.
        launcher: Words between the interpreter and `pretrain`.
        options: Overrides besides those of all runs.
    """

    experiment: Path
    runs: Path
    launcher: tuple[str, ...] = ALONE
    options: tuple[str, ...] = ()

    @property
    def run(self) -> Path:
        """The first run folder."""
        return self.runs / "tiny" / "001"

    def finish(self, *words: str, code: int = 0) -> str:
        """Let the command end.

        Args:
            words: Further arguments, such as ``"--resume"`` and ``"auto"``.
            code: The exit code that it must have.

        Returns:
            What it printed.
        """
        with self._started(words) as process:
            printed = process.communicate(timeout=PATIENCE_S)[0]
        assert process.returncode == code, printed
        return printed

    def kill_in_epoch(self, epoch: int, *words: str) -> None:
        """End all its processes as soon as there is a checkpoint in the middle of an epoch."""
        self.kill_when(lambda: self._saved_in(epoch), *words)
        assert self._saved_in(epoch), "the epoch was over before its processes were"

    def kill_when(self, is_time: Callable[[], bool], *words: str) -> None:
        """End all its processes as soon as something is so.

        Args:
            is_time: Asked again and again.
            words: Further arguments.
        """
        with self._started(words) as process:
            self._wait(process, is_time)
        assert process.returncode == -signal.SIGKILL

    def ask_to_leave(
        self,
        is_time: Callable[[], bool],
        number: signal.Signals,
        *words: str,
        ranks: Sequence[int],
        code: int,
    ) -> float:
        """Send a signal to some of its ranks as soon as something is so, and let it leave.

        Args:
            is_time: Asked again and again.
            number: The signal.
            words: Further arguments.
            ranks: Which processes get it.
            code: The exit code that the command must have.

        Returns:
            Seconds from the signal to its end.
        """
        with self._started(words) as process:
            self._wait(process, is_time)
            found = ranks_of(process.pid)
            asked = time.monotonic()
            for rank in ranks:
                os.kill(found[rank], number)
            printed = process.communicate(timeout=PATIENCE_S)[0]
            took_s = time.monotonic() - asked
        assert process.returncode == code, printed
        return took_s

    @property
    def status(self) -> str:
        """What `status.json` says."""
        return str(json.loads((self.run / "status.json").read_text())["status"])

    @property
    def newest_step(self) -> int:
        """Optimizer steps in the newest checkpoint; 0 without one."""
        names = [path.name for path in (self.run / "checkpoints").glob("epoch=*.ckpt")]
        steps = [int(found[1]) for name in names if (found := re.search(r"step=(\d+)", name))]
        return max(steps, default=0)

    def _wait(self, process: "subprocess.Popen[str]", is_time: Callable[[], bool]) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not is_time():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < give_up, "it did not come to that"
            time.sleep(0.005)

    def _saved_in(self, epoch: int) -> bool:
        return epoch * STEPS < self.newest_step < (epoch + 1) * STEPS

    @contextmanager
    def _started(self, words: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
        given = ["pretrain", str(self.experiment), f"runs_dir={self.runs}", *OPTIONS, *self.options]
        process = subprocess.Popen(
            [sys.executable, *self.launcher, *given, *words],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill_family(process.pid)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
