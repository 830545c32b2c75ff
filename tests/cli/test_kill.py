"""`kill -9` to the real command, twice, and it ends as if nothing had happened, byte for byte."""

from pathlib import Path

import pytest
from tests.realcommand import ALONE, STEPS, TORCHRUN, Command
from tests.tinyrun import write_experiment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

LOGS = ("metrics.csv", "samples.jsonl")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    folder = tmp_path_factory.mktemp("kill")
    return Command(write_experiment(folder), folder / "undisturbed")


@pytest.fixture(scope="module")
def undisturbed(command: Command) -> Path:
    command.finish()
    return command.run


@pytest.fixture(scope="module")
def undisturbed_ranks(command: Command, undisturbed: Path) -> Path:
    """Of two ranks; the shards are there once one rank has run."""
    runs = undisturbed.parents[2] / "undisturbed_ranks"
    ranks = Command(command.experiment, runs, options=("trainer.devices=2",))
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
    killed = Command(command.experiment, tmp_path, options=options)
    _assert_same_logs(_killed_twice(killed), undisturbed)


@pytest.mark.distributed
@pytest.mark.parametrize("launcher", [ALONE, TORCHRUN], ids=["lightning", "torchrun"])
def test_two_killed_ranks_resume_exactly(
    command: Command,
    undisturbed_ranks: Path,
    tmp_path: Path,
    launcher: tuple[str, ...],
) -> None:
    options = ("trainer.devices=2", "data.workers=1")
    killed = Command(command.experiment, tmp_path, launcher, options)
    _assert_same_logs(_killed_twice(killed), undisturbed_ranks)
