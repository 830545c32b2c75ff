import csv
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.forkedrun import STEPS, TinyRun
from tests.killer import Kill

from streetclip.evaluation.result import logged_values, read_result
from streetclip.evaluation.run import EvaluationOptions, evaluate
from streetclip.model.weights import load_backbone
from streetclip.shards.layout import open_shard_set
from streetclip.training.checkpoint_io import BEST_NAME, read_checkpoint
from streetclip.zeroshot.protocol import load_protocol

Make = Callable[..., TinyRun]
MONITOR = "zeroshot/val/median_km"


@pytest.fixture(scope="module")
def evaluated(tiny_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    folder = tmp_path_factory.mktemp("evaluated") / "run"
    run = TinyRun(tiny_shards, folder, evaluate=True, tensorboard=True, monitor=MONITOR)
    run.go()
    return run


def _rows(run: TinyRun) -> list[dict[str, str]]:
    with (run.folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _column(run: TinyRun, name: str) -> list[tuple[str, str]]:
    return [(row["step"], row[name]) for row in _rows(run) if row.get(name)]


def test_evaluation_changes_no_bit_of_the_training(
    evaluated: TinyRun, tiny_run: Make, tmp_path: Path
) -> None:
    plain = tiny_run(tmp_path / "plain")
    plain.go()
    assert _column(plain, "train/loss") == _column(evaluated, "train/loss")
    assert (plain.folder / "samples.jsonl").read_text() == (
        evaluated.folder / "samples.jsonl"
    ).read_text()


def test_it_evaluates_before_the_first_step_after_epochs_and_every_n_steps(
    evaluated: TinyRun,
) -> None:
    assert [int(step) for step, _ in _column(evaluated, MONITOR)] == [0, 3, 4, 6, 8]
    names = sorted(path.name for path in (evaluated.folder / "evaluations").iterdir())
    assert names == ["epoch=000", "epoch=001", "epoch=002", "step=000003", "step=000006"]
    files = {path.name for path in (evaluated.folder / "evaluations/epoch=001/val").iterdir()}
    assert files == {"results.json", "predictions.parquet", "report.md", "report.html", "map.png"}


@pytest.mark.parametrize(("ema", "moment"), [(True, "epoch=002"), (False, "epoch=001")])
def test_callback_and_benchmark_agree_on_equal_weights(
    evaluated: TinyRun, tiny_run: Make, tmp_path: Path, ema: bool, moment: str
) -> None:
    run = evaluated
    if not ema:
        run = tiny_run(tmp_path / "plain", evaluate=True, ema=False, monitor=None, epochs=1)
        run.go()
    (path,) = (run.folder / "checkpoints").glob(f"{moment}-step=*0000[48].ckpt")
    result = evaluate(
        load_backbone(path),
        open_shard_set(run.shards),
        load_protocol(str(run.folder / "protocol.yaml")),
        options=EvaluationOptions(batch_size=7, matching_batch=4, resamples=10),
    )
    logged = read_result(run.folder / "evaluations" / moment / "val")
    assert logged.values["country_accuracy"] == result.values["country_accuracy"]
    assert logged.predictions["distance_km"] == result.predictions["distance_km"]
    step = str(read_checkpoint(path)["global_step"])
    assert (step, repr(logged_values(logged)[MONITOR])) in _column(run, MONITOR)


def test_the_best_checkpoint_follows_a_logged_value(evaluated: TinyRun) -> None:
    at_epochs = {step: float(value) for step, value in _column(evaluated, MONITOR)}
    best = min((STEPS, 2 * STEPS), key=lambda step: at_epochs[str(step)])
    checkpoint = read_checkpoint(evaluated.folder / "checkpoints" / BEST_NAME)
    assert checkpoint["global_step"] == best


@pytest.mark.parametrize(
    "kill", [Kill("start", 3), pytest.param(Kill("epoch", STEPS), marks=pytest.mark.slow)], ids=str
)
def test_a_resumed_run_repeats_no_evaluation_and_loses_none(
    evaluated: TinyRun, tmp_path: Path, kill: Kill
) -> None:
    run = replace(evaluated, folder=tmp_path / "run")
    assert replace(run, kill=kill).fork() == [-9]
    # TensorBoard reads event files in the order of their names, which begin with the second.
    time.sleep(1.0)
    run.go()
    metrics = [(r.folder / "metrics.csv").read_text() for r in (run, evaluated)]
    assert metrics[0] == metrics[1]
    boards = []
    for folder in (run.folder, evaluated.folder):
        board = EventAccumulator(str(folder / "tensorboard"), size_guidance={"images": 0})
        board.Reload()
        points = {t: [(e.step, e.value) for e in board.Scalars(t)] for t in (MONITOR, "train/loss")}
        boards.append((points, [e.step for e in board.Images("map/val")]))
    assert boards[0] == boards[1]
    assert [step for step, _ in boards[0][0]["train/loss"]] == list(range(2 * STEPS))
    assert boards[0][1] == [0, 3, 4, 6, 8]


@pytest.mark.distributed
def test_two_ranks_count_each_photograph_once(
    evaluated: TinyRun, tiny_run: Make, tmp_path: Path
) -> None:
    run = tiny_run(tmp_path / "run", evaluate=True, ranks=2, epochs=1, monitor=MONITOR)
    assert run.fork() == [0, 0]
    ours, theirs = (
        read_result(r.folder / "evaluations" / "epoch=000" / "val") for r in (run, evaluated)
    )
    assert ours.predictions["key"] == theirs.predictions["key"]
    assert ours.weights_digest == theirs.weights_digest
    assert ours.values == theirs.values


def test_the_share_of_time_is_measured(evaluated: TinyRun) -> None:
    with (evaluated.folder / "timing.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("timing/evaluation_s")]
    assert len(rows) == 5
    assert all(0.0 < float(row["timing/evaluation_share"]) < 1.0 for row in rows)
    assert "timing/evaluation_s" not in _rows(evaluated)[0]


def test_the_weights_of_a_checkpoint_are_the_averages(evaluated: TinyRun) -> None:
    (path,) = (evaluated.folder / "checkpoints").glob("epoch=002-*.ckpt")
    checkpoint = read_checkpoint(path)
    exported, current = checkpoint["state_dict"], checkpoint["current_model_state"]
    assert exported.keys() == current.keys()
    assert not all(torch.equal(exported[name], current[name]) for name in exported)
