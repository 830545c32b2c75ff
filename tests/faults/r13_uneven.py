"""Injected: shards of very uneven sizes (1, 3, 17 and 50 samples, single samples, and others),
trained on and evaluated by 1, 2, 3 and 4 ranks, and by 5, which cannot share the lanes. Survived:
no rank waits for another, all take the same number of steps, every sample of the plan comes once,
in the same step as with one rank, and each evaluation counts every photograph once; five ranks are
refused and say why.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.differences import Difference, samples
from tests.faults.cases import LOG, Case, run_cases
from tests.faults.commands import TIMEOUT_S, streetclip
from tests.faults.disturbed import finish, judged, undisturbed
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.faults.witness import Witness, seen
from tests.forkedrun import TinyRun
from tests.realcommand import Command
from tests.tinyrun import write_experiment
from tests.tinyshards import write_tiny_shards

from streetclip.evaluation.result import read_result

BATCH, EPOCHS = 12, 2
SIZES = ((1, 3, 17, 50), (50,), (1,) * 25, (13, 1, 1, 40), (12,), (7, 7, 7, 7, 7), (25, 1))
WORLDS, REFUSED = (1, 2, 3, 4), 5


def run(scale: Scale, work: Path) -> Tally:
    """Train on uneven shards with several numbers of ranks."""
    cases = []
    for sizes in scale.pick(quick=SIZES[:1], short=SIZES[:2], full=SIZES):
        shards = _shards(sizes, work)
        plain = TinyRun(
            shards,
            work,
            epochs=EPOCHS,
            evaluate=True,
            evaluate_steps=None,
            data={"batch_size": BATCH},
        )
        whole = undisturbed(plain, work)
        cases += [_case(whole, sizes, ranks) for ranks in WORLDS]
        cases += [_refused(whole, sizes)]
    if scale is Scale.FULL:
        cases.append(_command(work))
    return run_cases(cases[2:3] if scale is Scale.QUICK else cases, work / "R13", at_once=1)


def _shards(sizes: tuple[int, ...], work: Path) -> Path:
    folder = work / f"uneven{SIZES.index(sizes)}"
    return folder if folder.exists() else write_tiny_shards(folder, sizes=sizes)


def _command(work: Path) -> Case:
    """The command makes an index of tars that have none, and trains on them on three ranks."""
    given = _shards(SIZES[0], work)

    def act(folder: Path) -> Tally:
        source = folder / "tars"
        source.mkdir()
        for tar in given.glob("*.tar"):
            (source / tar.name).write_bytes(tar.read_bytes())
        streetclip("shards", "index", source, code=0)
        options = (f"data.source={source}", f"data.batch_size={BATCH}", "trainer.devices=3")
        command = Command(write_experiment(folder), folder / "runs", options=options)
        command.finish()
        seen_once = Counter((epoch, key) for epoch, _, key in samples(command.run))
        steps = EPOCHS * (sum(SIZES[0]) // BATCH)
        assert len(seen_once) == seen_once.total() == steps * BATCH, "a sample is lost or repeated"
        return Tally(injected=1, survived=1)

    return Case("command", act, timeout_s=TIMEOUT_S)


def _case(whole: TinyRun, sizes: tuple[int, ...], ranks: int) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run", ranks=ranks)
        finish(replace(run, callbacks=(Witness(folder),)))
        steps = EPOCHS * (sum(sizes) // BATCH)
        for rank in range(ranks):
            assert len(seen(folder, rank)) == steps, f"rank {rank} has not taken {steps} steps"
        _check_evaluations(run.folder / "evaluations", sum(sizes))
        ours, theirs = samples(run.folder), samples(whole.folder)
        assert len({(epoch, key) for epoch, _, key in ours}) == steps * BATCH, "a sample came twice"
        found = Difference(lost=(theirs - ours).total(), repeated=(ours - theirs).total())
        return judged(found, run.folder, others=1)

    return Case(f"sizes{SIZES.index(sizes)}_ranks{ranks}", work)


def _check_evaluations(folder: Path, photos: int) -> None:
    """Every evaluation of a run has counted every photograph once."""
    found = [read_result(path.parent) for path in folder.rglob("results.json")]
    assert len(found) == EPOCHS + 1, f"{len(found)} evaluations"
    for result in found:
        keys = result.predictions["key"].to_pylist()
        counts = (result.photos, len(keys), len(set(keys)))
        assert counts == (photos,) * 3, f"{photos} photographs were counted as {counts}"


def _refused(whole: TinyRun, sizes: tuple[int, ...]) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run", ranks=REFUSED)
        codes = run.fork(grace_s=30.0)
        assert codes == [1] * REFUSED, f"the ranks ended with {codes}"
        words = (
            f"{BATCH} lanes cannot be shared by {REFUSED} ranks; allowed: ranks 1, 2, 3, 4, 6, 12"
        )
        assert words in (folder / LOG).read_text(), "nobody says why"
        return Tally(injected=1, survived=1)

    return Case(f"sizes{SIZES.index(sizes)}_refused", work)
