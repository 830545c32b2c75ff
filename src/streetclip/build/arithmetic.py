"""How a global batch falls to ranks and passes, and how many steps a run takes.

A run and its dry run (`build/dry_run.py`) ask the same questions here, and are refused alike.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch

from streetclip.config.data import DataConfig
from streetclip.config.schema import Experiment, OptimConfig, TrainerConfig
from streetclip.data.plan import DEFAULT_LANES, Plan
from streetclip.errors import PlanError
from streetclip.model.optim import learning_rate_factor, warmup_of
from streetclip.training.launch import find_ranks


@dataclass(frozen=True)
class Batches:
    """One optimizer step, shared out.

    Args:
        global_batch: Pairs of a step over all ranks.
        ranks: Devices, over all machines.
        rank_batch: Pairs of a step on one rank.
        pass_rows: Pairs in one pass through the model.
        passes: Of a step, on each rank.
        mode: `cached` or `plain`, how passes are put together.
        lanes: Equal parts of an epoch; None in the resampled order, which has none.
        negatives: Other pairs that each photograph is compared with.
    """

    global_batch: int
    ranks: int
    rank_batch: int
    pass_rows: int
    passes: int
    mode: str
    lanes: int | None
    negatives: int


def ranks_of(trainer: TrainerConfig) -> int:
    """How many ranks a run has that starts here and now.

    Args:
        trainer: Whose devices are `auto` or a number.
    """
    launched = find_ranks().world
    if launched > 1:
        return launched
    if trainer.devices != "auto":
        return int(trainer.devices) * trainer.num_nodes
    on_cpu = trainer.accelerator == "cpu" or not torch.accelerator.is_available()
    return (1 if on_cpu else torch.accelerator.device_count()) * trainer.num_nodes


def lanes_of(data: DataConfig) -> int:
    """The equal parts that an epoch of the planned order is cut into."""
    return math.gcd(data.batch_size, DEFAULT_LANES) if data.lanes is None else data.lanes


def batch_problems(data: DataConfig, ranks: int) -> list[str]:
    """What of batch, lanes, ranks and passes does not divide.

    Args:
        data: Of an experiment.
        ranks: Of the run.

    Example:
        >>> batch_problems(DataConfig(batch_size=1152, micro_batch_size=32), 8)
        ['data.micro_batch_size=32 does not divide the 144 pairs of each of 8 ranks; allowed: ...
    """
    return _share_problems(data, ranks) + _pass_problems(data, ranks)


def _share_problems(data: DataConfig, ranks: int) -> list[str]:
    batch = data.batch_size
    if data.order == "resampled":
        return [f"data.batch_size {batch} cannot be shared by {ranks} ranks"] * (batch % ranks > 0)
    if batch % lanes_of(data):
        return [f"data.lanes={data.lanes} does not divide data.batch_size={batch}"]
    try:
        Plan([batch], batch_size=batch, lanes=data.lanes).check_world(ranks)
    except PlanError as error:
        return [str(error)]
    return []


def _pass_problems(data: DataConfig, ranks: int) -> list[str]:
    rows, batch = data.micro_batch_size, data.batch_size
    if rows is None:
        return []
    if batch % rows:
        return [f"data.micro_batch_size={rows} does not divide data.batch_size={batch}"]
    share = batch // ranks
    # A pass that could take more than there is takes all.
    if batch % ranks or rows >= share or share % rows == 0:
        return []
    allowed = ", ".join(str(n) for n in range(1, share + 1) if share % n == 0)
    wrong = (
        f"data.micro_batch_size={rows} does not divide the {share} pairs of each of {ranks} ranks"
    )
    return [f"{wrong}; allowed: {allowed}"]


def batches_of(options: Experiment, ranks: int) -> Batches:
    """How a step of an experiment is shared out.

    Args:
        options: Without `batch_problems`.
        ranks: Of the run.

    Example:
        >>> options = Experiment(data=DataConfig(batch_size=2048, micro_batch_size=128))
        >>> shared = batches_of(options, 8)
        >>> shared.rank_batch, shared.passes, shared.pass_rows, shared.negatives
        (256, 2, 128, 2047)
    """
    data = options.data
    share = data.batch_size // ranks
    rows = min(data.micro_batch_size or share, share)
    seen = share if options.accumulate.mode == "cached" else rows
    return Batches(
        global_batch=data.batch_size,
        ranks=ranks,
        rank_batch=share,
        pass_rows=rows,
        passes=share // rows,
        mode=options.accumulate.mode,
        lanes=None if data.order == "resampled" else lanes_of(data),
        negatives=seen * (ranks if options.loss.negatives == "global" else 1) - 1,
    )


def total_steps(steps_per_epoch: int, trainer: TrainerConfig) -> int:
    """Optimizer steps of a run.

    Args:
        steps_per_epoch: Of the plan.
        trainer: Knows epochs and the limit of steps.
    """
    total, limit = steps_per_epoch * trainer.max_epochs, trainer.max_steps
    return total if limit < 0 else min(total, limit)


def resampled_steps(samples: int, batch_size: int) -> int:
    """Optimizer steps of an epoch of the resampled order.

    Args:
        samples: That count as an epoch.
        batch_size: Pairs of a step over all ranks.

    Raises:
        PlanError: There are none.
    """
    if samples < batch_size:
        raise PlanError(
            "data.samples_per_epoch is smaller than one batch",
            got=samples,
            allowed=f"{batch_size} or more",
        )
    return samples // batch_size


def check_schedule(optim: OptimConfig, steps: int) -> None:
    """Find out before a run folder exists that a schedule does not fit the run's steps.

    Args:
        optim: Of an experiment.
        steps: Of the run.

    Raises:
        ConfigError: It does not fit.
    """
    warmup = warmup_of(steps, steps=optim.warmup_steps, share=optim.warmup_share)
    schedule: Any = optim.schedule
    learning_rate_factor(schedule, total_steps=steps, warmup_steps=warmup)
