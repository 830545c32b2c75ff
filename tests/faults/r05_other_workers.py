"""Injected: `kill -9` to a run twice, whose lives have 2, 3 and 0 loader workers in every order,
and `kill -9` to one of two loader workers. Survived: the last life ends like the undisturbed run
without workers, bit for bit; a run that has lost a worker does not hang, but ends with an error
unless it has all its batches already.
"""

import multiprocessing
import os
import signal
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from tests.faults.cases import Case, run_cases
from tests.faults.commands import Life, killed_command, saved, undisturbed_command
from tests.faults.disturbed import (
    finish,
    killed_case,
    moments,
    tiny_shards,
    undisturbed,
    verdict,
)
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import TinyRun
from tests.killer import Kill

HOOKS = ("start", "optimizer", "batch", "epoch")


def run(scale: Scale, work: Path) -> Tally:
    """Change the number of loader workers from life to life."""
    whole = undisturbed(TinyRun(tiny_shards(work), work), work)
    every = moments(whole.epochs, HOOKS)
    cases = [
        _in_turn(whole, workers, pair)
        for workers in permutations((2, 3, 0))
        for pair in ((every[1], every[16]), (every[5], every[5]), (every[12], every[20]))
    ]
    cases += [_without_a_worker(whole, step) for step in range(6)]
    if scale is Scale.FULL:
        lives = [Life(saved(2), ("data.workers=2",)), Life(saved(12), ("data.workers=3",))]
        cases.append(killed_command(undisturbed_command(work), lives))
    chosen = scale.pick(quick=cases[:1], short=[*cases[1::9], cases[-1]], full=cases)
    return run_cases(chosen, work / "R5")


def _in_turn(whole: TinyRun, workers: tuple[int, ...], pair: tuple[Kill, Kill]) -> Case:
    case = killed_case(whole, pair, change=lambda run, life: replace(run, workers=workers[life]))
    return replace(case, name=f"workers{'-'.join(map(str, workers))}_{case.name}")


def _without_a_worker(whole: TinyRun, step: int) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run", workers=2)
        codes = replace(run, callbacks=(_KillAWorker(step),)).fork()
        assert codes in ([0], [1]), f"the run without a worker ended with {codes}"
        finish(run)
        return verdict(run, whole, kills=1)

    return Case(f"worker_dies_at{step}", work)


@dataclass
class _KillAWorker(pl.Callback):
    """Kills the first loader worker at the start of a step.

    Args:
        step: Optimizer steps taken.
    """

    step: int

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            worker = multiprocessing.active_children()[0]
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
