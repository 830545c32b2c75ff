"""What a run would be, without one: counted, estimated and checked on any machine.

Nothing is started, fetched or written. What a run would be refused for is refused here, by the same
checks; only what depends on the machine (devices, sources, folders) is taken as the user says.
"""

from dataclasses import dataclass, replace
from typing import Any, cast

from streetclip.build.arithmetic import (
    Batches,
    batch_problems,
    batches_of,
    check_schedule,
    lanes_of,
    resampled_steps,
    total_steps,
)
from streetclip.build.assumed import Assumed, Photographs, assumed_ranks, photographs
from streetclip.build.check import Parts, attempt, examine, words_of_hardware
from streetclip.build.estimate import (
    Compute,
    Disk,
    Input,
    Memory,
    compute_of,
    disk_of,
    input_of,
    memory_of,
    photo_ms,
)
from streetclip.build.model import training_module
from streetclip.build.precision import AUTO, kind_of_device, precision_of
from streetclip.config.schema import Experiment, TrainerConfig
from streetclip.data.plan import Plan
from streetclip.errors import ConfigError
from streetclip.model.backbone import Backbone
from streetclip.model.cost import LONGEST_CAPTION, Cost, count_cost
from streetclip.model.text import takes_short_context


@dataclass(frozen=True)
class DryRun:
    """What a run would be.

    Args:
        experiment: Its name.
        precision: Of the Trainer.
        photos: In an epoch.
        batches: One step, shared out.
        steps_per_epoch: Optimizer steps of an epoch.
        steps: Of the run.
        workers: Loader processes of one rank.
        checkpointing: Whether activations are computed again.
        cost: Of the model as it is trained.
        memory: Of one device.
        other_memory: The same with the other choice of gradient checkpointing.
        device_bytes: Memory of a device; None where nobody knows.
        compute: Arithmetic and time.
        input: Of one rank.
        disk: Room.
        notes: What works, and may not be meant.
    """

    experiment: str
    precision: str
    photos: int
    batches: Batches
    steps_per_epoch: int
    steps: int
    workers: int
    checkpointing: bool
    cost: Cost
    memory: Memory
    other_memory: Memory
    device_bytes: int | None
    compute: Compute
    input: Input
    disk: Disk
    notes: tuple[str, ...] = ()


def dry_run(options: Experiment, assumed: Assumed | None = None) -> DryRun:
    """Say what a run would be.

    Args:
        options: Of the experiment.
        assumed: What the user says about what is not here.

    Raises:
        ConfigError: It could not run; everything that is wrong is named together.
    """
    given = assumed or Assumed()
    wrong, problems = words_of_hardware(options.trainer), given.problems()
    ranks = None if wrong else attempt(problems, lambda: assumed_ranks(options.trainer, given))
    problems += wrong
    parts, found = examine(options, weights=False)
    problems += found + (batch_problems(options.data, ranks) if ranks and ranks > 0 else [])
    photos = attempt(problems, lambda: photographs(options.data, given))
    steps = attempt(problems, lambda: _steps(options, photos)) if photos else None
    if problems or ranks is None or parts is None or photos is None or steps is None:
        raise ConfigError(f"experiment {options.name}", problems)
    run = _estimate(options, given, parts, photos, batches_of(options, ranks), steps)
    problems = _memory_problems(run)
    if problems:
        raise ConfigError(f"experiment {options.name}", problems)
    return run


@dataclass(frozen=True)
class _Steps:
    per_epoch: int
    total: int


def _steps(options: Experiment, photos: Photographs) -> _Steps:
    """Of an epoch and of the run, as the run's own plan and schedule count them."""
    data = options.data
    if data.order == "resampled":
        per_epoch = resampled_steps(photos.number, data.batch_size)
    else:
        # Where lanes do not divide the batch, that has been said already.
        lanes = data.lanes if data.batch_size % lanes_of(data) == 0 else None
        plan = Plan([photos.number], batch_size=data.batch_size, lanes=lanes, window=data.window)
        per_epoch = plan.steps_per_epoch
    total = total_steps(per_epoch, options.trainer)
    check_schedule(options.optim, total)
    return _Steps(per_epoch, total)


def _estimate(
    options: Experiment,
    given: Assumed,
    parts: Parts,
    photos: Photographs,
    batches: Batches,
    steps: _Steps,
) -> DryRun:
    shape, data, averages = parts.backbone.preprocess, options.data, options.optim.ema_decay
    image_bytes = 3 * shape.height * shape.width
    costs = _costs(options, parts.backbone)
    memory, other = (
        memory_of(cost, batches, image_bytes=image_bytes, averages=averages is not None)
        for cost in costs
    )
    tflops, utilization = given.peak(options.trainer)
    compute = compute_of(
        costs[0], batches, steps=steps.total, tflops=tflops, utilization=utilization
    )
    each_ms = given.photo_ms or photo_ms(max(shape.height, shape.width))
    run = DryRun(
        experiment=options.name,
        precision=_precision(options.trainer),
        photos=photos.number,
        batches=batches,
        steps_per_epoch=steps.per_epoch,
        steps=steps.total,
        workers=data.workers,
        checkpointing=options.model.gradient_checkpointing,
        cost=costs[0],
        memory=memory,
        other_memory=other,
        device_bytes=given.device_bytes(),
        compute=compute,
        input=input_of(batches, compute, photo_kb=photos.kilobytes, photo_ms=each_ms),
        disk=disk_of(
            memory,
            photos=photos.number,
            photo_kb=photos.kilobytes,
            keep=options.checkpoint.keep,
            keeps_best=options.checkpoint.monitor is not None,
        ),
    )
    return replace(run, notes=tuple(notes_of(run)))


def _costs(options: Experiment, backbone: Backbone) -> tuple[Cost, Cost]:
    """As the model is trained, and with the other choice of gradient checkpointing."""
    training_module(options, backbone).train()
    chosen, clip = options.model.gradient_checkpointing, cast(Any, backbone.clip)
    spec = backbone.spec
    tokens = LONGEST_CAPTION if takes_short_context(clip) else spec.context_length
    counted = []
    for checkpointing in (chosen, not chosen):
        clip.set_grad_checkpointing(checkpointing)
        counted.append(
            count_cost(
                backbone,
                tokens=min(tokens, spec.context_length),
                precision=_precision(options.trainer),
            )
        )
    return counted[0], counted[1]


def _precision(options: TrainerConfig) -> str:
    """What a run would compute in; without a GPU here, one with bf16 is meant where any is."""
    is_elsewhere = options.accelerator != "cpu" and kind_of_device(options) == "cpu"
    if options.precision == AUTO and is_elsewhere:
        return "bf16-mixed"
    return precision_of(options)


def _memory_problems(run: DryRun) -> list[str]:
    if run.device_bytes is None or run.memory.total <= run.device_bytes:
        return []
    rows = run.memory.most_rows(run.device_bytes, run.batches.pass_rows)
    fitting = [n for n in range(1, rows + 1) if run.batches.rank_batch % n == 0]
    remedy = f"data.micro_batch_size={fitting[-1]} would fit" if fitting else "no pass fits"
    if not run.checkpointing:
        remedy += ", and model.gradient_checkpointing=true takes less"
    wanted = f"{run.memory.total / 2**30:.1f} GiB"
    there = f"{run.device_bytes / 2**30:.1f}"
    wrong = f"a pass of {run.batches.pass_rows} pairs takes about {wanted}; a device has {there}"
    return [f"{wrong}; {remedy}"]


def notes_of(run: DryRun) -> list[str]:
    """What works, and may not be meant.

    Args:
        run: Without notes.
    """
    batches, need, notes = run.batches, run.input, list[str]()
    if batches.mode == "plain" and batches.passes > 1:
        notes.append(
            f"accumulate.mode=plain compares each photograph with {batches.negatives:,} others and "
            f"not with the {batches.global_batch - 1:,} of its step"
        )
    if run.device_bytes is not None:
        notes += _memory_notes(run, run.device_bytes)
    if need.cores is not None and need.cores > max(run.workers, 1):
        notes.append(
            f"the input wants {need.cores:.1f} cores a rank, and data.workers={run.workers}"
        )
    if run.precision == "32-true" and run.compute.tflops is not None:
        notes.append("the peak is one of bf16; trainer.precision=32-true reaches a part of it")
    return notes


def _memory_notes(run: DryRun, device_bytes: int) -> list[str]:
    batches, notes = run.batches, list[str]()
    if run.memory.total > 0.9 * device_bytes:
        notes.append("the memory is tight: kernels and the allocator want some of it too")
    roomy = int(0.9 * device_bytes)
    if run.checkpointing and run.other_memory.total < roomy:
        notes.append(
            "the activations fit without model.gradient_checkpointing too, which is faster"
        )
    rows = run.memory.most_rows(roomy, batches.pass_rows)
    if batches.passes > 1 and rows >= batches.rank_batch:
        notes.append("the rank's whole share fits one pass: data.micro_batch_size=null is faster")
    return notes
