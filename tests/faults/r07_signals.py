"""Injected: SIGTERM, SIGUSR1 and SIGINT to all ranks, to rank 0 alone and to rank 1 alone, at the
start, in the middle, at an epoch's last batch and inside evaluations; in the real command started
alone, by Lightning and by torchrun. Survived: every rank leaves with exit code 85 within 30 s
(torchrun makes 1 of it, and `status.json` says `preempted`), no step is taken twice, and the run
ends like the undisturbed one, bit for bit.
"""

import signal
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.asker import ASKED, LEFT, Ask
from tests.faults.cases import Case, run_cases
from tests.faults.commands import RESUME, TIMEOUT_S, command_verdict, saved, undisturbed_command
from tests.faults.disturbed import finish, tiny_shards, undisturbed, verdict
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import STEPS, TinyRun
from tests.realcommand import ALONE, TORCHRUN, Command

LEAVES_WITHIN_S = 30.0
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
MOMENTS = (
    ("train_start", 0, 0),
    ("evaluation", 0, 0),
    ("batch_end", 1, 1),
    ("batch_start", 2, 2),
    ("evaluation", 3, 3),
    ("batch_end", STEPS, STEPS),
    ("evaluation", STEPS, STEPS),
    ("batch_start", STEPS, STEPS),
    ("batch_end", 2 * STEPS, 2 * STEPS),
    ("evaluation", 2 * STEPS, 2 * STEPS),
)
"""Hook, optimizer steps taken when the signal comes, and when the run leaves."""


def run(scale: Scale, work: Path) -> Tally:
    """Ask runs to leave, each at one moment, and let them go on."""
    cases = []
    for ranks in (1, 2):
        whole = undisturbed(
            TinyRun(tiny_shards(work), work, evaluate=True, ranks=ranks, workers=ranks - 1), work
        )
        asked = [(0,)] if ranks == 1 else [(0, 1), (0,), (1,)]
        cases += [
            _case(whole, Ask(number, hook, step, who), trained)
            for number in SIGNALS
            for who in asked
            for hook, step, trained in MOMENTS
        ]
    quick, short = cases[15:16], [cases[5], cases[16], *cases[35::17]]
    if scale is Scale.FULL:
        cases += _command_cases(work)
    return run_cases(scale.pick(quick=quick, short=short, full=cases), work / "R7")


def _case(whole: TinyRun, ask: Ask, trained: int) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        codes = replace(run, callbacks=(ask,)).fork(grace_s=LEAVES_WITHIN_S)
        assert codes == [LEFT] * run.ranks, f"exit codes {codes}"
        left = time.monotonic()
        for rank in ask.ranks:
            asked = run.folder / f"{ASKED}{rank}"
            took_s = left - float(asked.read_text())
            assert took_s < LEAVES_WITHIN_S, f"it took {took_s:.0f} s to leave"
            asked.unlink()
        log = run.folder / "samples.jsonl"
        taken = len(log.read_text().splitlines()) if log.exists() else 0
        assert taken == trained, f"{taken} steps were taken, {trained} expected"
        finish(run)
        return verdict(run, whole, kills=len(ask.ranks))

    who = "all" if len(ask.ranks) > 1 else f"rank{ask.ranks[0]}"
    name = f"{ask.number.name}_{ask.hook}{ask.step}_{who}of{whole.ranks}"
    return Case(name, work, faults=len(ask.ranks))


@dataclass(frozen=True)
class _Order:
    """A signal to a command."""

    number: signal.Signals
    at_step: int
    ranks: tuple[int, ...]


def _command_cases(work: Path) -> list[Case]:
    alone, two = undisturbed_command(work), undisturbed_command(work, "trainer.devices=2")
    term, usr1, sigint = SIGNALS
    return [
        _command_case("alone", alone, ALONE, [_Order(sigint, 4, (0,)), _Order(term, 30, (0,))]),
        _command_case("lightning", two, ALONE, [_Order(term, 4, (1,)), _Order(usr1, 30, (0, 1))]),
        _command_case(
            "torchrun", two, TORCHRUN, [_Order(usr1, 4, (0,)), _Order(term, 30, (1,))], code=1
        ),
    ]


def _command_case(
    name: str,
    whole: Command,
    launcher: tuple[str, ...],
    orders: list[_Order],
    *,
    code: int = LEFT,
) -> Case:
    def work(folder: Path) -> Tally:
        command = replace(whole, runs=folder / "runs", launcher=launcher)
        for number, order in enumerate(orders):
            resume = RESUME if number else ()
            is_time = partial(saved(order.at_step), command)
            took_s = command.ask_to_leave(
                is_time, order.number, *resume, ranks=order.ranks, code=code
            )
            assert took_s < LEAVES_WITHIN_S, f"it took {took_s:.0f} s to leave"
            assert command.status == "preempted", command.status
        command.finish(*RESUME)
        return command_verdict(command, whole, kills=len(orders))

    return Case(f"command_{name}", work, faults=len(orders), timeout_s=TIMEOUT_S)
