"""How `streetclip pretrain --plan` shows what a run would be."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streetclip.build.dry_run import DryRun
    from streetclip.build.estimate import Memory

Rows = list[tuple[str, str]]

_KEPT = (
    ("weights", "weights"),
    ("gradients", "gradients"),
    ("buckets", "DDP's buckets"),
    ("optimizer", "AdamW"),
    ("average", "averaged weights"),
    ("casts", "half-precision casts"),
)
"""What of `Memory` stays from pass to pass, and its name in the table; what is 0 is left out."""


def show(run: "DryRun", *, as_json: bool = False) -> None:
    """Print a dry run: a table on a terminal, aligned lines into a pipe, or JSON.

    Args:
        run: What to print.
        as_json: One object, in bytes, operations and seconds.
    """
    if as_json:
        print(json.dumps(asdict(run), indent=1))
    elif sys.stdout.isatty():
        _table(run)
    else:
        print("\n".join(lines(run)))


def lines(run: "DryRun") -> Iterator[str]:
    """A dry run as aligned lines.

    Args:
        run: Of an experiment.
    """
    parts = sections(run)
    width = max(len(name) for rows in parts.values() for name, _ in rows)
    yield f"{run.experiment}: a dry run, nothing is started or written"
    for title, rows in parts.items():
        yield f"{title}"
        yield from (f"  {name:<{width}}  {value}" for name, value in rows)
    yield from (f"note: {note}" for note in run.notes)


def sections(run: "DryRun") -> dict[str, Rows]:
    """A dry run as names and values, by what they are about.

    Args:
        run: Of an experiment.
    """
    return {
        "a step": _step(run),
        "the run": _run(run),
        "the model": _model(run),
        f"memory of a device ({run.precision})": _memory(run),
        "time": _time(run),
        "input of a rank": _input(run),
        "disk": _disk(run),
    }


def _step(run: "DryRun") -> Rows:
    b = run.batches
    shared = f"{_several(b.ranks, 'rank')} x {_several(b.passes, 'pass', 'es')} x {b.pass_rows}"
    lanes = "none: data.order=resampled"
    if b.lanes is not None:
        lanes = f"{b.lanes}, {b.lanes // b.ranks} of them read by each rank"
    return [
        ("global batch", f"{b.global_batch:,} pairs = {shared}, accumulate.mode={b.mode}"),
        ("negatives", f"{b.negatives:,} for each photograph and each caption"),
        ("lanes", lanes),
        ("loader processes", f"{run.workers} a rank, {run.workers * b.ranks} in all"),
    ]


def _run(run: "DryRun") -> Rows:
    rest = run.photos - run.steps_per_epoch * run.batches.global_batch
    return [
        ("photographs", f"{run.photos:,}"),
        ("steps an epoch", f"{run.steps_per_epoch:,}; {rest:,} photographs fill no batch"),
        ("steps of the run", f"{run.steps:,}"),
    ]


def _model(run: "DryRun") -> Rows:
    cost = run.cost
    return [
        ("parameters", f"{cost.parameters / 1e6:,.1f} M, {cost.trained / 1e6:,.1f} M trained"),
        ("an image forward", _flop(cost.image_flops)),
        ("a caption forward", f"{_flop(cost.text_flops)} at {cost.tokens} tokens"),
        ("a pair with backward", _flop(cost.pass_flops)),
    ]


def _memory(run: "DryRun") -> Rows:
    used, other = run.memory, run.other_memory
    on, off = (used, other) if run.checkpointing else (other, used)
    rows = [(name, _bytes(getattr(used, part))) for part, name in _KEPT if getattr(used, part)]
    pairs = run.batches.pass_rows
    rows += [
        (f"activations of {pairs} pairs", _a_pair(off, pairs)),
        ("  with checkpointing", _a_pair(on, pairs)),
        ("photographs, logits", _bytes(used.photographs + used.logits)),
    ]
    chosen = f"with model.gradient_checkpointing={str(run.checkpointing).lower()}"
    room = "" if run.device_bytes is None else f"; a device has {_bytes(run.device_bytes)}"
    return [*rows, ("together", f"about {_bytes(used.total)} {chosen}{room}")]


def _time(run: "DryRun") -> Rows:
    compute = run.compute
    rows = [("a step on a rank", _flop(compute.step_flops))]
    if compute.step_s is None or compute.hours is None:
        return [*rows, ("hours", "unknown on a CPU: say --tflops N --utilization SHARE")]
    share = f"{compute.utilization:.0%} of {compute.tflops:,.0f} TFLOP/s"
    return [
        *rows,
        ("seconds a step", f"{compute.step_s:,.2f} at {share}"),
        ("hours of the run", f"{compute.hours:,.2f} without evaluations and checkpoints"),
    ]


def _input(run: "DryRun") -> Rows:
    need, ranks = run.input, run.batches.ranks
    if need.photos_per_s is None or need.mb_per_s is None or need.cores is None:
        return [("photographs", "unknown, as the time of a step is")]
    return [
        (
            "photographs/s",
            f"{need.photos_per_s:,.0f}, of all ranks {need.photos_per_s * ranks:,.0f}",
        ),
        ("MB/s", f"{need.mb_per_s:,.1f} at {need.photo_kb:,.0f} kB a photograph"),
        ("cores", f"{need.cores:.1f} at {need.photo_ms:.2f} ms a photograph (bench/README.md)"),
    ]


def _disk(run: "DryRun") -> Rows:
    disk = run.disk
    return [
        ("shards", f"{disk.shards / 1e9:,.1f} GB"),
        ("checkpoints", f"{disk.checkpoints} of {disk.checkpoint / 1e9:,.2f} GB at most"),
    ]


def _several(number: int, what: str, ending: str = "s") -> str:
    return f"{number} {what}{'' if number == 1 else ending}"


def _bytes(size: float) -> str:
    return _with_prefix(size, 1024.0, ("B", "KiB", "MiB", "GiB", "TiB"))


def _flop(operations: float) -> str:
    return _with_prefix(operations, 1000.0, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"))


def _with_prefix(value: float, step: float, units: tuple[str, ...]) -> str:
    for unit in units[:-1]:
        if value < step:
            return f"{value:,.1f} {unit}"
        value /= step
    return f"{value:,.1f} {units[-1]}"


def _a_pair(used: "Memory", pairs: int) -> str:
    return f"{_bytes(used.activations)} ({_bytes(used.activations / pairs)} a pair)"


def _table(run: "DryRun") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{run.experiment}: a dry run", show_header=False, title_justify="left")
    for title, rows in sections(run).items():
        table.add_section()
        table.add_row(f"[bold]{title}[/bold]", "")
        for name, value in rows:
            table.add_row(name, value)
    console = Console()
    console.print(table)
    for note in run.notes:
        console.print(f"note: {note}", markup=False)
