"""Injected: plans of a billion samples (half a million shards of 2,000; a million of 1,000; shards
of random sizes; a single shard), asked for the first and the last batch of an epoch and one in the
middle of a later epoch, by a plan that was asked for nothing before. Survived: the batch takes less
than 50 ms of one core (best of five) and 128 MiB, it is the same that a warm plan gives and that
four ranks share, and no sample of 100 batches of the epoch stands twice or does not exist. And a
`shards.json` that claims a billion samples of a tar that has 17, given to the commands: they say so
and end with exit code 2 within a minute.
"""

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.faults.cases import Case, run_cases
from tests.faults.commands import streetclip
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.realcommand import environment
from tests.tinyrun import write_experiment
from tests.tinyshards import write_tiny_shards

from streetclip.data.plan import Plan
from streetclip.shards.layout import (
    ShardSet,
    open_shard_set,
    shard_set_digest,
    write_shard_set,
)

SAMPLES = 1_000_000_000
BATCH = 4096
COLD_S = 0.050
MEMORY_BYTES = 128 << 20
COMMAND_S = 60.0
TRIES, BATCHES = 5, 100
_PROGRAM = f"""
import time
from streetclip.data.plan import Plan
plan = Plan([2_000] * 500_000, batch_size={BATCH}, seed=5)
started = time.process_time()
plan.positions(0, 0)
print(time.process_time() - started)
"""
Sizes = NDArray[np.int64]


def run(scale: Scale, work: Path) -> Tally:
    """Ask large plans for batches."""
    moments = {"first": (0, 0), "last": (0, -1), "later": (7, 123_456)}
    cases = [
        _case(f"{shape}_{name}", make, epoch, step)
        for shape, make in SHAPES.items()
        for name, (epoch, step) in moments.items()
    ]
    cases.append(Case("new_interpreter", _new_interpreter))
    if scale is Scale.FULL:
        cases.append(Case("command", _command, faults=2))
    return run_cases(scale.pick(quick=cases[:1], short=cases[:4], full=cases), work / "R15")


def _case(name: str, make: Callable[[], Sizes], epoch: int, step: int) -> Case:
    def work(folder: Path) -> Tally:
        sizes = make()
        new = partial(Plan, sizes.tolist(), batch_size=BATCH, seed=5)
        place = (epoch, step % new().steps_per_epoch)
        seconds = min(_cold_s(new(), *place) for _ in range(TRIES))
        assert seconds < COLD_S, f"the batch took {1000 * seconds:.0f} ms"
        memory = _memory_bytes(new(), *place)
        assert memory < MEMORY_BYTES, f"the batch took {memory >> 20} MiB"
        _check(new, *place, sizes)
        return Tally(injected=1, survived=1)

    return Case(name, work)


def _cold_s(plan: Plan, epoch: int, step: int) -> float:
    """Seconds of the processor, which other work on the machine does not lengthen."""
    started = time.process_time()
    plan.positions(epoch, step)
    return time.process_time() - started


def _memory_bytes(plan: Plan, epoch: int, step: int) -> int:
    tracemalloc.start()
    plan.positions(epoch, step)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _new_interpreter(folder: Path) -> Tally:
    """A process that has computed nothing at all."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert float(done.stdout) < COLD_S, f"the batch took {done.stdout} s"
    return Tally(injected=1, survived=1)


def _command(folder: Path) -> Tally:
    """A shard set that claims a billion samples, described and trained on."""
    real = open_shard_set(write_tiny_shards(folder / "shards"))
    first, *others = real.shards
    entries = (replace(first, samples=SAMPLES - len(real) + first.samples), *others)
    claim = ShardSet(folder / "shards", entries, shard_set_digest(entries), {}, {})
    assert len(claim) == SAMPLES
    write_shard_set(claim)
    training = (write_experiment(folder), f"data.source={folder / 'shards'}")
    commands = (("shards", "stats", folder / "shards"), ("pretrain", *training))
    for words in commands:
        started = time.monotonic()
        printed = " ".join(streetclip(*words, code=2).split())
        assert time.monotonic() - started < COMMAND_S, f"{words[0]} took too long"
        assert "has another number of samples than the shard set" in printed, printed
        assert "Traceback" not in printed, printed
    return Tally(injected=len(commands), survived=len(commands))


def _check(new: Callable[[], Plan], epoch: int, step: int, sizes: Sizes) -> None:
    """Compare a cold plan with a warm one and with ranks, and look for samples that stand twice."""
    warm = new()
    others = np.random.default_rng(step).choice(warm.steps_per_epoch, BATCHES, replace=False)
    seen = [warm.positions(epoch, int(other)) for other in others if other != step]
    batch = warm.positions(epoch, step)
    assert np.array_equal(batch, new().positions(epoch, step)), "a cold plan gives other samples"
    ranks = [new().positions(epoch, step, rank=rank, world=4) for rank in range(4)]
    assert np.array_equal(batch, np.concatenate(ranks)), "four ranks see other samples"
    shards, samples = np.concatenate([batch, *seen]).T
    assert ((samples >= 0) & (samples < sizes[shards])).all(), "no such sample"
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    positions = begins[shards] + samples
    assert len(np.unique(positions)) == len(positions), "a sample stands twice"


def _random_sizes() -> Sizes:
    sizes = np.random.default_rng(1).integers(1, 3_990, 500_000)
    # The last one takes what is left, some millions.
    sizes[-1] += SAMPLES - sizes.sum()
    return sizes


SHAPES: Mapping[str, Callable[[], Sizes]] = {
    "even": lambda: np.full(500_000, 2_000),
    "small": lambda: np.full(1_000_000, 1_000),
    "random": _random_sizes,
    "single": lambda: np.array([SAMPLES]),
}
