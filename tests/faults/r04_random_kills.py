"""Injected: `kill -9` at random moments, by the clock and by hook, in run after run of six epochs,
with a checkpoint after every step and after every third, with patch dropout, with and without
loader workers; a run is killed up to six times. Survived: it ends like the undisturbed one, bit for
bit, final weights included.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.faults.cases import Case, run_cases
from tests.faults.commands import Life, killed_command, saved, undisturbed_command
from tests.faults.disturbed import (
    finish,
    killed_case,
    moments,
    seconds_of,
    tiny_shards,
    undisturbed,
    verdict,
)
from tests.faults.scale import Scale
from tests.faults.tally import Tally, total
from tests.forkedrun import STEPS as EPOCH_STEPS
from tests.forkedrun import TinyRun
from tests.realcommand import STEPS

from streetclip.training.checkpoint_io import checkpoint_step, checkpoints

HOOKS = ("start", "optimizer", "batch", "evaluated", "epoch")
EPOCHS, KILLS = 6, 6
"""Of one run."""


def run(scale: Scale, work: Path) -> Tally:
    """Kill runs at random moments until there were enough kills."""
    kills = scale.pick(quick=2, short=4, full=KILLS)
    seeds = range(scale.pick(quick=1, short=1, full=12))
    cases = []
    for every_n_steps in scale.pick(quick=(3,), short=(1, 3), full=(1, 3)):
        plain = TinyRun(tiny_shards(work), work, epochs=EPOCHS, every_n_steps=every_n_steps)
        whole = undisturbed(plain, work)
        steps = [checkpoint_step(path) or 0 for path in checkpoints(whole.checkpoints)]
        assert any(step % EPOCH_STEPS for step in steps), f"none inside an epoch: {steps}"
        cases += [_by_clock(whole, seed, kills=kills) for seed in seeds]
        cases += [_by_hook(whole, seed, kills=kills) for seed in seeds]
    if scale is Scale.FULL:
        steps = sorted(np.random.default_rng(0).choice(2 * STEPS - 8, 4, replace=False).tolist())
        lives = [Life(saved(2 + step)) for step in steps]
        cases.append(killed_command(undisturbed_command(work), lives))
    return run_cases(cases[:1] if scale is Scale.QUICK else cases, work / "R4")


def _by_clock(whole: TinyRun, seed: int, *, kills: int) -> Case:
    rng = np.random.default_rng([whole.every_n_steps, seed])
    workers = 2 * (seed % 2)

    def work(folder: Path) -> Tally:
        tallies: list[Tally] = []
        while sum(tally.kills for tally in tallies) < kills:
            run = replace(whole, folder=folder / f"run{len(tallies)}", workers=workers)
            left = kills - sum(tally.kills for tally in tallies)
            tallies.append(_one_run(run, whole, rng, left))
        return total(tallies)

    return Case(f"clock{seed}_every{whole.every_n_steps}", work, faults=kills)


def _one_run(run: TinyRun, whole: TinyRun, rng: np.random.Generator, kills: int) -> Tally:
    """Kill a run until it ends before its time comes, or was killed often enough."""
    for number in range(kills):
        # It takes a part of the time to start; there, too, it is killed now and then.
        codes = run.fork(kill_after_s=rng.uniform(0.1, 0.9) * seconds_of(whole))
        if codes == [0]:
            return verdict(run, whole, kills=number)
        assert codes == [-9], f"the run ended by itself with {codes}"
    finish(run)
    return verdict(run, whole, kills=kills)


def _by_hook(whole: TinyRun, seed: int, *, kills: int) -> Case:
    rng = np.random.default_rng([whole.every_n_steps, seed, 1])
    every = moments(whole.epochs, HOOKS)
    chosen = sorted(rng.choice(len(every), kills, replace=False).tolist())
    case = killed_case(whole, [every[number] for number in chosen])
    return replace(case, name=f"hook{seed}_every{whole.every_n_steps}")
