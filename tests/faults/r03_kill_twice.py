"""Injected: `kill -9` at every pair of moments of a run of three epochs, each resumed life killed
again: at the start, between backward and optimizer, and at the end of a step, inside an epoch's
evaluation, before and after the epoch's checkpoint. Survived: the third life ends like the
undisturbed run, bit for bit.
"""

from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path

from tests.faults.cases import run_cases
from tests.faults.commands import Life, killed_command, undisturbed_command
from tests.faults.disturbed import killed_case, moments, tiny_shards, undisturbed
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import TinyRun
from tests.killer import Kill
from tests.realcommand import Command

HOOKS = ("start", "optimizer", "batch", "evaluating", "evaluated", "epoch")


def run(scale: Scale, work: Path) -> Tally:
    """Kill a run twice, for every pair of moments."""
    plain = TinyRun(tiny_shards(work), work, epochs=3, evaluate=True, evaluate_steps=None)
    whole = undisturbed(plain, work)
    every = pairs(moments(whole.epochs, HOOKS))
    chosen = scale.pick(quick=every[500:501], short=every[37::150], full=every)
    cases = [killed_case(whole, pair) for pair in chosen]
    if scale is Scale.FULL:
        lives = [Life(partial(_evaluates, epoch)) for epoch in (1, 2)]
        cases.append(killed_command(undisturbed_command(work), lives))
    return run_cases(cases, work / "R3")


def _evaluates(epoch: int, command: Command) -> bool:
    """Whether the evaluation after so many epochs writes its result."""
    return (command.run / "evaluations" / f"epoch={epoch:03d}").exists()


def pairs(every: list[Kill]) -> list[tuple[Kill, Kill]]:
    """Every moment with itself and all later ones.

    An epoch's end does not come a second time once its checkpoint is written.
    """
    return [
        (first, second)
        for first, second in combinations_with_replacement(every, 2)
        if not (first == second and first.hook == "epoch")
    ]
