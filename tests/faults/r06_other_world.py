"""Injected: `kill -9` to a run three times, whose lives have 1, 2, 4 and 1 ranks in turn, and other
orders. Survived: the same samples and captions as with one rank undisturbed, in every step, and
no loss further from it than 1e-6. Dropout is off, as the model's randomness belongs to a rank, and
the learning rate 1e-3, as a higher one makes the rounding of a sum over ranks grow.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.differences import Difference, differing_lines, differing_losses, samples
from tests.faults.cases import Case, run_cases
from tests.faults.commands import Life, killed_command, saved, undisturbed_command
from tests.faults.disturbed import finish, judged, kill, tiny_shards, undisturbed
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import MODEL, TinyRun
from tests.killer import Kill

WITHIN = 1e-6
WITHOUT_DROPOUT = {**MODEL, "vision_cfg": {**MODEL["vision_cfg"], "patch_dropout": 0.0}}
WORLDS = ((1, 2, 4, 1), (4, 2, 1, 4), (2, 4, 1, 2), (1, 4, 2, 1), (2, 1, 2, 4))
MOMENTS = (
    (Kill("batch", 2, None), Kill("start", 4, None), Kill("optimizer", 6, None)),
    (Kill("epoch", 4, None), Kill("start", 5, None), Kill("evaluated", 8, None)),
)


def run(scale: Scale, work: Path) -> Tally:
    """Change the number of ranks from life to life."""
    plain = TinyRun(tiny_shards(work), work, model=WITHOUT_DROPOUT, module={"lr": 1e-3})
    whole = undisturbed(plain, work)
    cases = [_case(whole, worlds, moments) for worlds in WORLDS for moments in MOMENTS]
    if scale is Scale.FULL:
        command = undisturbed_command(work, "optim.lr=1e-3")
        lives = [Life(saved(2)), Life(saved(12), ("trainer.devices=2",))]
        last = ("trainer.devices=1",)
        cases.append(killed_command(command, lives, last=last, compare=_difference))
    quick = [_case(whole, (1, 2), MOMENTS[0][:1])]
    return run_cases(scale.pick(quick=quick, short=cases[:1], full=cases), work / "R6", at_once=1)


def _case(whole: TinyRun, worlds: Sequence[int], moments: Sequence[Kill]) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        for ranks, moment in zip(worlds[:-1], moments, strict=True):
            kill(replace(run, ranks=ranks), moment)
        finish(replace(run, ranks=worlds[-1]))
        return judged(_difference(run.folder, whole.folder), run.folder, kills=len(moments))

    name = f"worlds{'-'.join(map(str, worlds))}_from_{moments[0].hook}{moments[0].step}"
    return Case(name, work, faults=len(moments))


def _difference(folder: Path, other: Path) -> Difference:
    ours, theirs = samples(folder), samples(other)
    return Difference(
        lost=(theirs - ours).total(),
        repeated=(ours - theirs).total(),
        differing=differing_lines(folder / "samples.jsonl", other / "samples.jsonl")
        + differing_losses(folder, other, within=WITHIN),
    )
