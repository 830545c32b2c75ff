"""Injected: NaN and infinity in a pixel, the loss or a gradient of one of two ranks, in one step,
in two in a row, in three in a row, and around a kill; and NaN in the weights of one rank. Survived:
the step is skipped on both ranks at once, weights stay finite and equal on both, and the run goes
on with every sample; the third step in a row ends both ranks, each naming the keys of the whole
batch (of 8 and of 16 samples), as does `not_finite.json`, and the run can be resumed.
"""

import json
import re
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

from tests.differences import Difference, samples
from tests.faults.cases import LOG, Case, run_cases
from tests.faults.commands import TIMEOUT_S, undisturbed_command
from tests.faults.disturbed import finish, judged, kill, tiny_shards, undisturbed
from tests.faults.poison import Poison
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.faults.witness import Witness, seen
from tests.forkedrun import TinyRun
from tests.killer import Kill

from streetclip.model.numerics import NOT_FINITE_NAME

RANKS = 2
PASSING = ((1,), (3,), (4, 5), (2, 3, 5, 6))
"""Steps in which a run is poisoned and goes on: never three in a row."""
ENDING = ((1, 2, 3), (4, 5, 6))
WIDE = 16
"""Samples of a batch that is larger than those of all other runs."""
ALL_LATER = (5, 6, 7)
"""When weights are poisoned in step 5, every later step is."""


def run(scale: Scale, work: Path) -> Tally:
    """Poison one rank."""
    whole = undisturbed(TinyRun(tiny_shards(work), work, ranks=RANKS), work)
    values = (float("nan"), float("inf"))
    poisons = list(product(("image", "loss", "gradient"), (0, 1), values))
    passing = [_passing(whole, Poison(*p[:2], steps, p[2])) for p in poisons for steps in PASSING]
    ending = [_ending(whole, Poison(*p[:2], steps, p[2])) for p in poisons for steps in ENDING]
    killed = [_killed(whole, Poison(*p[:2], ENDING[0], p[2])) for p in poisons[::3]]
    weights = [_weights(whole, rank) for rank in range(RANKS)]
    if scale is Scale.FULL:
        weights.append(_command(work))
    wide = _wide(work)
    full = [*passing, *ending, *killed, *weights, wide]
    short = [*passing[::14], *ending[::9], killed[0], weights[1], wide]
    chosen = scale.pick(quick=passing[6:7], short=short, full=full)
    return run_cases(chosen, work / "R14", at_once=1)


def _passing(whole: TinyRun, poison: Poison) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        finish(replace(run, callbacks=(poison, Witness(folder))))
        said = (folder / LOG).read_text().count("step skipped, as the gradient is not finite")
        assert said == RANKS * len(poison.steps), f"{said} skipped steps are told"
        assert _skipped(folder) == [list(poison.steps)] * RANKS, "other steps were skipped"
        return _verdict(run, whole, others=len(poison.steps))

    return Case(_name("passing", poison), work, faults=len(poison.steps))


def _ending(whole: TinyRun, poison: Poison) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        _end(replace(run, callbacks=(poison, Witness(folder))), whole, poison.steps[-1])
        finish(replace(run, callbacks=(Witness(folder),)))
        return _verdict(run, whole, others=len(poison.steps))

    return Case(_name("ending", poison), work, faults=len(poison.steps))


def _killed(whole: TinyRun, poison: Poison) -> Case:
    """Of three steps in a row, the third comes after a kill and a resume."""

    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run", every_n_steps=1)
        poisoned = replace(run, callbacks=(poison, Witness(folder)))
        kill(poisoned, Kill("start", poison.steps[-1], rank=None))
        _end(poisoned, whole, poison.steps[-1])
        finish(replace(run, callbacks=(Witness(folder),)))
        return _verdict(run, whole, kills=1, others=len(poison.steps))

    return Case(_name("killed", poison), work, faults=1 + len(poison.steps))


def _weights(whole: TinyRun, rank: int) -> Case:
    """Poisoned weights stay poisoned, so that no step is taken before the run ends."""

    def work(folder: Path) -> Tally:
        # Until then no checkpoint is written, which would hold them where the rank is the first.
        run = replace(whole, folder=folder / "run", every_n_steps=100)
        poison = Poison("weight", rank, ALL_LATER[:1], float("nan"))
        _end(replace(run, callbacks=(poison,)), whole, ALL_LATER[-1])
        finish(replace(run, callbacks=(Witness(folder),)))
        return _verdict(run, whole, others=1)

    return Case(f"weights_rank{rank}", work)


def _wide(work: Path) -> Case:
    """A batch of more than a few keys, all of which must be named."""
    wide = TinyRun(
        tiny_shards(work), work, epochs=3, ranks=RANKS, data={"batch_size": WIDE}, every_n_steps=1
    )
    whole = undisturbed(wide, work)
    case = _ending(whole, Poison("image", 1, ENDING[0], float("nan")))
    return replace(case, name=f"wide_{case.name}")


def _command(work: Path) -> Case:
    """A learning rate at which the first step already leaves nothing that is a number."""
    whole = undisturbed_command(work)

    def act(folder: Path) -> Tally:
        command = replace(whole, runs=folder / "runs", options=("optim.lr=1e38",))
        printed = command.finish(code=1)
        assert re.search(r"3 steps in a row were skipped.*keys \w+, \w+", printed), printed
        status = json.loads((command.run / "status.json").read_text())
        assert status["status"] == "failed", status
        return Tally(injected=1, survived=1)

    return Case("command", act, timeout_s=TIMEOUT_S)


def _end(run: TinyRun, whole: TinyRun, step: int) -> None:
    """Let a run go until it gives up in a step, and see that each rank names the batch's keys."""
    codes = run.fork(grace_s=30.0)
    assert codes == [1] * RANKS, f"the ranks ended with {codes}"
    log = (run.folder.parent / LOG).read_text()
    line = json.loads((whole.folder / "samples.jsonl").read_text().splitlines()[step])
    words = f"epoch {line['epoch']}, step {line['step']}, keys {', '.join(line['keys'])}"
    told = [text for text in log.splitlines() if text.startswith("streetclip.errors.Numerics")]
    assert len(told) == RANKS, f"{len(told)} ranks say why they end"
    assert all(words in text for text in told), f"a rank does not name the keys: {told}"
    written = json.loads((run.folder / NOT_FINITE_NAME).read_text())
    assert written["keys"] == line["keys"], f"{NOT_FINITE_NAME} names {written['keys']}"


def _skipped(folder: Path) -> list[list[int]]:
    """For each rank the steps after which the weights are those of the step before."""
    lines = [seen(folder, rank) for rank in range(RANKS)]
    return [
        [
            step
            for step, (old, new) in enumerate(pairwise(own), 1)
            if old["weights"] == new["weights"]
        ]
        for own in lines
    ]


def _verdict(run: TinyRun, whole: TinyRun, *, kills: int = 0, others: int) -> Tally:
    """Samples as in the undisturbed run; weights finite, and on both ranks the same."""
    ours, theirs = samples(run.folder), samples(whole.folder)
    first, second = (seen(run.folder.parent, rank) for rank in range(RANKS))
    assert len(first) == len(second), "the ranks have taken different numbers of steps"
    bad = sum(
        one["weights"] != other["weights"] or not one["finite"]
        for one, other in zip(first, second, strict=True)
    )
    found = Difference((theirs - ours).total(), (ours - theirs).total(), bad)
    return judged(found, run.folder, kills=kills, others=others)


def _name(kind: str, poison: Poison) -> str:
    steps = "-".join(map(str, poison.steps))
    return f"{kind}_{poison.kind}_rank{poison.rank}_{poison.value}_at{steps}"
