"""Exact resume with the real parts: killed runs end like the undisturbed one, bit for bit."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.differences import Difference, difference
from tests.forkedrun import STEPS, TinyRun
from tests.killer import Kill

from streetclip.model.logit_bias import FIRST_BIAS
from streetclip.training.checkpoint_io import newest_whole, read_checkpoint

Make = Callable[..., TinyRun]


@pytest.fixture(scope="module")
def undisturbed(tiny_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    run = TinyRun(tiny_shards, tmp_path_factory.mktemp("undisturbed") / "run")
    assert run.fork() == [0]
    return run


def _assert_same(run: TinyRun, other: TinyRun) -> None:
    assert difference(run.folder, other.folder) == Difference()


def _kill_and_resume(run: TinyRun, *kills: Kill) -> TinyRun:
    for kill in kills:
        codes = replace(run, kill=kill).fork()
        assert codes[kill.rank or 0] == -9
    assert run.fork() == [0] * run.ranks
    return run


def test_the_logs_hold_every_step_once(undisturbed: TinyRun) -> None:
    rows = (undisturbed.folder / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("step,epoch,train/loss,")
    places = [tuple(map(int, row.split(",")[:2])) for row in rows[1:]]
    assert places == [(step, step // STEPS) for step in range(2 * STEPS)]
    assert len((undisturbed.folder / "samples.jsonl").read_text().splitlines()) == 2 * STEPS


EARLY, MIDDLE, LAST = Kill("start", 2), Kill("start", 3), Kill("batch", 2 * STEPS)
BEFORE_END, AT_END, AFTER_END = Kill("batch", STEPS), Kill("epoch", STEPS), Kill("batch", STEPS + 1)
EVERY = [Kill(hook, step) for step in range(1, 2 * STEPS + 1) for hook in ("batch", "start")]


@pytest.mark.parametrize("kill", [EARLY, MIDDLE, AT_END], ids=str)
def test_a_killed_run_ends_as_if_nothing_had_happened(
    undisturbed: TinyRun, tiny_run: Make, tmp_path: Path, kill: Kill
) -> None:
    run = _kill_and_resume(tiny_run(tmp_path / "run"), kill)
    _assert_same(run, undisturbed)


@pytest.mark.slow
def test_a_run_may_be_killed_at_every_step(
    undisturbed: TinyRun, tiny_run: Make, tmp_path: Path
) -> None:
    kills = [k for k in EVERY if k.hook == "batch" or k.step % STEPS]
    for number, kill in enumerate([*kills, AT_END, Kill("epoch", 2 * STEPS)]):
        run = _kill_and_resume(tiny_run(tmp_path / str(number)), kill)
        _assert_same(run, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kills",
    [
        (MIDDLE, BEFORE_END, AT_END, AFTER_END, LAST),
        (AT_END, AFTER_END),
        (EARLY, EARLY, BEFORE_END, BEFORE_END),
        (MIDDLE, AT_END, Kill("epoch", 2 * STEPS)),
    ],
    ids=str,
)
def test_a_resumed_run_may_be_killed_again(
    undisturbed: TinyRun, tiny_run: Make, tmp_path: Path, kills: tuple[Kill, ...]
) -> None:
    run = _kill_and_resume(tiny_run(tmp_path / "run"), *kills)
    _assert_same(run, undisturbed)


def test_workers_change_nothing_and_resume_exactly(
    undisturbed: TinyRun, tiny_run: Make, tmp_path: Path
) -> None:
    run = _kill_and_resume(tiny_run(tmp_path / "run", workers=2), BEFORE_END)
    _assert_same(run, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("max_steps", [STEPS, STEPS + 2, 2 * STEPS])
@pytest.mark.parametrize("kill", [MIDDLE, AT_END], ids=str)
def test_a_limit_on_steps_does_not_disturb_a_resume(
    tiny_run: Make, tmp_path: Path, kill: Kill, max_steps: int
) -> None:
    options: dict[str, Any] = {"max_steps": max_steps, "ema": False, "epochs": 3}
    whole = tiny_run(tmp_path / "whole", **options)
    assert whole.fork() == [0]
    assert len((whole.folder / "samples.jsonl").read_text().splitlines()) == max_steps
    run = _kill_and_resume(tiny_run(tmp_path / "run", **options), kill)
    _assert_same(run, whole)


def test_a_run_that_ended_by_its_limit_inside_an_epoch_can_go_on(
    undisturbed: TinyRun, tiny_run: Make, tmp_path: Path
) -> None:
    assert tiny_run(tmp_path / "run", max_steps=STEPS + 2).fork() == [0]
    run = tiny_run(tmp_path / "run")
    assert run.fork() == [0]
    _assert_same(run, undisturbed)


def _newest(run: TinyRun) -> Path:
    path = newest_whole(run.checkpoints).path
    assert path is not None
    return path


def _biases(run: TinyRun) -> list[float]:
    """The learned bias and its average, from the newest checkpoint."""
    checkpoint = read_checkpoint(_newest(run))
    states = [checkpoint[part] for part in ("current_model_state", "state_dict")]
    return [state["backbone.clip.logit_bias"].item() for state in states]


def test_a_run_with_a_learned_bias_ends_as_if_it_had_not_been_killed_inside_an_epoch(
    tiny_run: Make, tmp_path: Path
) -> None:
    module = {"loss_kind": "siglip", "micro_batch_size": 3}
    options: dict[str, Any] = {"module": module, "every_n_steps": 2}
    whole = tiny_run(tmp_path / "whole", **options)
    assert whole.fork() == [0]
    run = tiny_run(tmp_path / "run", **options)
    # A step after the checkpoint inside the second epoch, which then is taken twice.
    assert replace(run, kill=Kill("batch", STEPS + 3)).fork() == [-9]
    assert _newest(run).name == f"epoch=001-step={STEPS + 2:06d}.ckpt"
    assert run.fork() == [0]
    _assert_same(run, whole)
    with (run.folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    logged = [float(row["train/logit_bias"]) for row in rows]
    assert logged[0] == FIRST_BIAS
    assert len(set(logged)) == len(logged) == 2 * STEPS, "the bias moves in every step"
    assert _biases(run) == _biases(whole)
    assert not {*_biases(run)} & {*logged}


@pytest.mark.distributed
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_two_ranks_resume_exactly_whichever_dies(
    undisturbed: TinyRun, tiny_run: Make, tmp_path: Path, workers: int
) -> None:
    options: dict[str, Any] = {"ranks": 2, "workers": workers}
    whole = tiny_run(tmp_path / "whole", **options)
    assert whole.fork() == [0, 0]
    kills = (replace(BEFORE_END, rank=1), AFTER_END)[: 1 + (workers > 0)]
    run = _kill_and_resume(tiny_run(tmp_path / "run", **options), *kills)
    _assert_same(run, whole)
    samples = [(r.folder / "samples.jsonl").read_text() for r in (run, undisturbed)]
    assert samples[0] == samples[1], "two ranks see other samples than one"
