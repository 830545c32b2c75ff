import pytest
import torch

from streetclip.build.arithmetic import (
    Batches,
    batch_problems,
    batches_of,
    check_schedule,
    lanes_of,
    ranks_of,
    resampled_steps,
    total_steps,
)
from streetclip.config.data import DataConfig
from streetclip.config.schema import (
    AccumulateConfig,
    Experiment,
    LossConfig,
    OptimConfig,
    TrainerConfig,
)
from streetclip.errors import ConfigError, PlanError


def _shared(ranks: int, rows: int | None, *, mode: str, negatives: str = "global") -> Batches:
    options = Experiment(
        data=DataConfig(batch_size=1152, micro_batch_size=rows),
        loss=LossConfig(negatives=negatives),
        accumulate=AccumulateConfig(mode=mode),
    )
    return batches_of(options, ranks)


@pytest.mark.parametrize(
    ("mode", "negatives", "ranks", "rows", "passes", "seen"),
    [
        ("plain", "local", 3, 32, 12, 31),  # the paper's trainer
        ("plain", "global", 3, 32, 12, 95),
        ("cached", "global", 3, 32, 12, 1151),
        ("cached", "global", 1, 32, 36, 1151),
        ("cached", "local", 3, None, 1, 383),
        ("plain", "global", 3, None, 1, 1151),
        ("cached", "global", 12, 128, 1, 1151),  # a pass could take more than a rank has
    ],
)
def test_negatives_are_what_a_photograph_is_compared_with(
    mode: str, negatives: str, ranks: int, rows: int | None, passes: int, seen: int
) -> None:
    shared = _shared(ranks, rows, mode=mode, negatives=negatives)
    assert (shared.passes, shared.negatives) == (passes, seen)
    assert shared.ranks * shared.passes * shared.pass_rows == shared.global_batch == 1152
    assert shared.lanes == 192


@pytest.mark.parametrize(
    ("data", "ranks", "problem"),
    [
        (DataConfig(batch_size=256), 3, "64 lanes cannot be shared by 3 ranks"),
        (DataConfig(batch_size=24, lanes=7), 1, "data.lanes=7 does not divide data.batch_size=24"),
        (
            DataConfig(batch_size=24, micro_batch_size=5),
            1,
            "data.micro_batch_size=5 does not divide data.batch_size=24",
        ),
        (
            DataConfig(batch_size=24, micro_batch_size=8),
            2,
            "data.micro_batch_size=8 does not divide the 12 pairs of each of 2 ranks; allowed: 1,",
        ),
        (
            DataConfig(batch_size=256, order="resampled"),
            3,
            "data.batch_size 256 cannot be shared by 3 ranks",
        ),
    ],
)
def test_what_does_not_divide_is_refused(data: DataConfig, ranks: int, problem: str) -> None:
    (found,) = batch_problems(data, ranks)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("data", "ranks"),
    [
        (DataConfig(batch_size=2048, micro_batch_size=64), 8),
        (DataConfig(batch_size=2048, micro_batch_size=64), 64),
        (DataConfig(batch_size=24, micro_batch_size=24), 2),
        (DataConfig(batch_size=256, order="resampled", lanes=7), 2),
    ],
)
def test_what_divides_is_not_refused(data: DataConfig, ranks: int) -> None:
    assert batch_problems(data, ranks) == []


def test_lanes_suit_the_batch_where_nobody_says() -> None:
    assert [lanes_of(DataConfig(batch_size=n)) for n in (2048, 1152, 50)] == [64, 192, 2]
    assert lanes_of(DataConfig(batch_size=2048, lanes=32)) == 32


def test_a_limit_of_steps_ends_a_run_early() -> None:
    assert total_steps(10, TrainerConfig(max_epochs=3)) == 30
    assert total_steps(10, TrainerConfig(max_epochs=3, max_steps=25)) == 25


def test_an_epoch_of_resampled_samples_has_a_step_at_least() -> None:
    assert resampled_steps(100, 32) == 3
    with pytest.raises(PlanError, match="smaller than one batch; got: 31; allowed: 32 or more"):
        resampled_steps(31, 32)


def test_a_schedule_longer_than_the_run_is_refused() -> None:
    check_schedule(OptimConfig(warmup_steps=10), 10)
    with pytest.raises(ConfigError, match="warm-up is 11 steps; allowed: 0 to 10"):
        check_schedule(OptimConfig(warmup_steps=11), 10)


def test_ranks_are_those_of_a_launcher_or_of_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = TrainerConfig(accelerator="cpu")
    assert ranks_of(cpu) == 1
    assert ranks_of(TrainerConfig(accelerator="cpu", devices="2", num_nodes=3)) == 6
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 4)
    assert ranks_of(TrainerConfig(num_nodes=2)) == 8
    assert ranks_of(cpu) == 1
    for name, value in {"RUN_ID": "x"}.items():
        monkeypatch.setenv(f"TORCHELASTIC_{name}", value)
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "16"}.items():
        monkeypatch.setenv(name, value)
    assert ranks_of(cpu) == 16
