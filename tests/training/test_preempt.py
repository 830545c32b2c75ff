"""A run that is asked to leave saves, leaves with 85 on all ranks, and nothing is done twice."""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.asker import LEFT, Ask
from tests.differences import Difference, difference
from tests.forkedrun import STEPS, TinyRun

from streetclip.training.checkpoint_io import checkpoints, read_checkpoint


@pytest.fixture(scope="module")
def undisturbed(tiny_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    run = TinyRun(tiny_shards, folder, evaluate=True)
    assert run.fork() == [0]
    return run


def _steps_trained(run: TinyRun) -> int:
    log = run.folder / "samples.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


def _leave_and_go_on(run: TinyRun, ask: Ask, trained: int) -> None:
    assert replace(run, callbacks=(ask,)).fork(grace_s=60) == [LEFT] * run.ranks
    assert _steps_trained(run) == trained
    newest = checkpoints(run.folder / "checkpoints")[0]
    assert read_checkpoint(newest)["global_step"] == trained
    assert run.fork() == [0] * run.ranks


MOMENTS = [
    (Ask(signal.SIGTERM, "train_start", 0), 0),
    (Ask(signal.SIGINT, "evaluation", 0), 0),
    (Ask(signal.SIGUSR1, "batch_end", 1), 1),
    (Ask(signal.SIGINT, "batch_start", 2), 2),
    (Ask(signal.SIGTERM, "evaluation", 3), 3),
    # The epoch's last batch, its evaluation, and the first batch of the next epoch.
    (Ask(signal.SIGTERM, "batch_end", STEPS), STEPS),
    (Ask(signal.SIGINT, "evaluation", STEPS), STEPS),
    (Ask(signal.SIGUSR1, "batch_start", STEPS), STEPS),
    # The same at the end of the run.
    (Ask(signal.SIGINT, "batch_end", 2 * STEPS), 2 * STEPS),
    (Ask(signal.SIGUSR1, "evaluation", 2 * STEPS), 2 * STEPS),
]


EACH = [(0, 0), (1, 1), (0, 2), (1, 4), (0, 7), (1, 8), (1, 9)]


def _name(value: Any) -> str:
    return f"{value.number.name}-{value.hook}" if isinstance(value, Ask) else str(value)


@pytest.mark.parametrize(("ask", "trained"), [MOMENTS[n] for n in (1, 3, 5, 9)], ids=_name)
def test_a_run_that_was_asked_to_leave_goes_on_as_if_nothing_had_happened(
    undisturbed: TinyRun, tmp_path: Path, ask: Ask, trained: int
) -> None:
    run = replace(undisturbed, folder=tmp_path / "run")
    _leave_and_go_on(run, replace(ask), trained)
    assert difference(run.folder, undisturbed.folder) == Difference()


@pytest.mark.slow
def test_a_run_may_be_asked_to_leave_at_every_moment(undisturbed: TinyRun, tmp_path: Path) -> None:
    run = replace(undisturbed, folder=tmp_path / "run")
    for ask, trained in MOMENTS:
        assert replace(run, callbacks=(replace(ask),)).fork() == [LEFT]
        assert _steps_trained(run) == trained
    assert run.fork() == [0]
    assert difference(run.folder, undisturbed.folder) == Difference()


@pytest.fixture(scope="module")
def two_ranks(tiny_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    folder = tmp_path_factory.mktemp("two_ranks") / "run"
    run = TinyRun(tiny_shards, folder, evaluate=True, ranks=2)
    assert run.fork() == [0, 0]
    return run


@pytest.mark.distributed
@pytest.mark.parametrize(
    ("ranks", "moment"),
    [((0,), 6), ((1,), 5), *(pytest.param((r,), m, marks=pytest.mark.slow) for r, m in EACH)],
)
def test_all_ranks_leave_whichever_was_asked(
    two_ranks: TinyRun, tmp_path: Path, ranks: tuple[int, ...], moment: int
) -> None:
    run = replace(two_ranks, folder=tmp_path / "run")
    ask, trained = MOMENTS[moment]
    _leave_and_go_on(run, replace(ask, ranks=ranks), trained)
    assert difference(run.folder, two_ranks.folder) == Difference()
