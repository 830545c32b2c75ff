"""Injected: `kill -9` at the start, between backward and optimizer, and at the end of every step of
two epochs, and around each epoch's checkpoint, of two ranks with a loader worker each: all of
them, rank 0, rank 1; the other rank is ended at once as launchers do, or has 5 s to notice by
itself. Survived: both ranks resume and the run ends like the undisturbed one, bit for bit.
"""

from pathlib import Path

from tests.faults.cases import Case, run_cases
from tests.faults.commands import Life, killed_command, saved, undisturbed_command
from tests.faults.disturbed import killed_case, moments, tiny_shards, undisturbed
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import TinyRun
from tests.realcommand import ALONE, STEPS, TORCHRUN

HOOKS = ("start", "optimizer", "batch", "evaluated", "epoch")


def run(scale: Scale, work: Path) -> Tally:
    """Kill ranks at one moment, resume them, and do so for every moment."""
    whole = undisturbed(TinyRun(tiny_shards(work), work, ranks=2, workers=1), work)
    cases = [*_cases(whole, None), *_cases(whole, 0), *_cases(whole, 1)]
    if scale is Scale.FULL:
        command = undisturbed_command(work, "trainer.devices=2")
        lives = [Life(saved(2)), Life(saved(STEPS + 2))]
        cases += [killed_command(command, lives, launcher=words) for words in (ALONE, TORCHRUN)]
    chosen = scale.pick(quick=cases[21:22], short=cases[4::15], full=cases)
    return run_cases(chosen, work / "R2")


def _cases(whole: TinyRun, rank: int | None) -> list[Case]:
    """Every other time the other rank lives on, where there is one."""
    every = moments(whole.epochs, HOOKS, rank=rank)
    graces = [5.0 if rank is not None and number % 2 else 0.0 for number in range(len(every))]
    pairs = zip(every, graces, strict=True)
    return [killed_case(whole, [moment], grace_s=grace_s) for moment, grace_s in pairs]
