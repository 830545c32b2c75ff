"""`kill -9` to the real command, twice, and it ends as if nothing had happened, byte for byte."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.tinyrun import write_experiment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

STEPS = 25
OPTIONS = (f"data.sample_world.photos={8 * STEPS}", "trainer.loggers=[csv]")
ALONE = ("-m", "streetclip")
TORCHRUN = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--master-addr=127.0.0.1")
LOGS = ("metrics.csv", "samples.jsonl")
PATIENCE_S = 300.0
"""A rank needs some seconds for its imports, on a machine with other work much longer."""


@dataclass(frozen=True)
class Command:
    """`streetclip pretrain` of one experiment, in a process group of its own.

    Args:
        experiment: The experiment file; its folder holds the shards too.
        runs: Where this command's runs are written.
        source: The package's source folder.
        launcher: Words between the interpreter and `pretrain`.
        options: Overrides besides those of all runs.
    """

    experiment: Path
    runs: Path
    source: Path
    launcher: tuple[str, ...] = ALONE
    options: tuple[str, ...] = ()

    @property
    def run(self) -> Path:
        """The first run folder."""
        return self.runs / "tiny" / "001"

    def finish(self, *resume: str) -> str:
        """Let the command end; what it printed."""
        with self._started(resume) as process:
            printed = process.communicate(timeout=PATIENCE_S)[0]
        assert process.returncode == 0, printed
        return printed

    def kill_in_epoch(self, epoch: int, *resume: str) -> None:
        """End all its processes as soon as there is a checkpoint in the middle of an epoch."""
        with self._started(resume) as process:
            give_up = time.monotonic() + PATIENCE_S
            while not self._saved_in(epoch):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < give_up, "no checkpoint"
                time.sleep(0.005)
        assert process.returncode == -signal.SIGKILL
        assert self._saved_in(epoch), "the epoch was over before its processes were"

    def _saved_in(self, epoch: int) -> bool:
        names = [path.name for path in (self.run / "checkpoints").glob("epoch=*.ckpt")]
        steps = [int(found[1]) for name in names if (found := re.search(r"step=(\d+)", name))]
        return epoch * STEPS < max(steps, default=0) < (epoch + 1) * STEPS

    @contextmanager
    def _started(self, resume: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
        words = ["pretrain", str(self.experiment), f"runs_dir={self.runs}", *OPTIONS, *self.options]
        process = subprocess.Popen(
            [sys.executable, *self.launcher, *words, *resume],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.source)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            for group in _groups(process.pid):
                os.killpg(group, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _groups(root: int) -> set[int]:
    """Process groups of a process and of all that descend from it: torchrun gives ranks their own.

    Args:
        root: The first process; it may have ended.
    """
    parents: dict[int, tuple[int, int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = (int(fields[1]), int(fields[2]))
    family, grown = {root}, True
    while grown:
        children = {pid for pid, (parent, _) in parents.items() if parent in family}
        grown = not children <= family
        family |= children
    return {parents[pid][1] for pid in family if pid in parents}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Command:
    folder = tmp_path_factory.mktemp("kill")
    return Command(write_experiment(folder), folder / "undisturbed", repository / "src")


@pytest.fixture(scope="module")
def undisturbed(command: Command) -> Path:
    command.finish()
    return command.run


@pytest.fixture(scope="module")
def undisturbed_ranks(command: Command, undisturbed: Path) -> Path:
    """Of two ranks; the shards are there once one rank has run."""
    runs = undisturbed.parents[2] / "undisturbed_ranks"
    ranks = Command(command.experiment, runs, command.source, options=("trainer.devices=2",))
    ranks.finish()
    return ranks.run


def _killed_twice(command: Command) -> Path:
    command.kill_in_epoch(0)
    command.kill_in_epoch(1, "--resume", "auto")
    printed = command.finish("--resume", "auto")
    assert f"{command.run} continues from" in printed
    assert [path.name for path in command.run.parent.iterdir()] == ["001"]
    return command.run


def _assert_same_logs(run: Path, other: Path) -> None:
    for name in LOGS:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name
    assert len((run / "samples.jsonl").read_text().splitlines()) == 2 * STEPS


@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_command_resumes_exactly(
    command: Command, undisturbed: Path, tmp_path: Path, workers: int
) -> None:
    options = (f"data.workers={workers}",)
    killed = Command(command.experiment, tmp_path, command.source, options=options)
    _assert_same_logs(_killed_twice(killed), undisturbed)


@pytest.mark.distributed
@pytest.mark.parametrize("launcher", [ALONE, (*TORCHRUN, *ALONE)], ids=["lightning", "torchrun"])
def test_two_killed_ranks_resume_exactly(
    command: Command,
    undisturbed_ranks: Path,
    tmp_path: Path,
    launcher: tuple[str, ...],
) -> None:
    options = ("trainer.devices=2", "data.workers=1")
    killed = Command(command.experiment, tmp_path, command.source, launcher, options)
    _assert_same_logs(_killed_twice(killed), undisturbed_ranks)
