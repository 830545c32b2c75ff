"""Injected: `kill -9` at the start, between backward and optimizer, and at the end of every step of
two epochs, and before and after each epoch's checkpoint; one rank with two loader workers.
Survived: the resumed run ends like the undisturbed one, bit for bit.
"""

from pathlib import Path

from tests.faults.cases import run_cases
from tests.faults.commands import Life, killed_command, saved, undisturbed_command
from tests.faults.disturbed import killed_case, moments, tiny_shards, undisturbed
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import TinyRun
from tests.realcommand import STEPS

HOOKS = ("start", "optimizer", "batch", "evaluated", "epoch")
WORKERS = ("data.workers=2",)


def run(scale: Scale, work: Path) -> Tally:
    """Kill a run at one moment, resume it, and do so for every moment."""
    whole = undisturbed(TinyRun(tiny_shards(work), work, workers=2), work)
    every = moments(whole.epochs, HOOKS)
    chosen = scale.pick(quick=every[4:5], short=every[::4], full=every)
    cases = [killed_case(whole, [moment]) for moment in chosen]
    if scale is Scale.FULL:
        lives = [Life(saved(2), WORKERS), Life(saved(STEPS + 2), WORKERS)]
        cases.append(killed_command(undisturbed_command(work), lives, last=WORKERS))
    return run_cases(cases, work / "R1")
