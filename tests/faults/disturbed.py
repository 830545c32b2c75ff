"""Runs that are killed and resumed, beside the same run undisturbed."""

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.differences import Difference, difference
from tests.faults.cases import Case
from tests.faults.tally import Tally
from tests.forkedrun import STEPS, TinyRun
from tests.killer import KILLED, Kill
from tests.tinyshards import write_tiny_shards

_SECONDS = "seconds.txt"


def tiny_shards(work: Path) -> Path:
    """The shard set of nearly all runs, written once.

    Args:
        work: Folder of the whole harness.
    """
    folder = work / "shards"
    return folder if folder.exists() else write_tiny_shards(folder)


def undisturbed(run: TinyRun, work: Path) -> TinyRun:
    """The same run without faults; runs once for all cases that ask for it.

    Args:
        run: Its folder and its kill do not matter.
        work: Folder of the whole harness.
    """
    whole = replace(run, folder=Path(), kill=None)
    name = hashlib.sha256(repr(whole).encode()).hexdigest()[:12]
    whole = replace(whole, folder=work / "undisturbed" / name)
    if not whole.folder.exists():
        part = replace(whole, folder=whole.folder.with_suffix(".part"))
        shutil.rmtree(part.folder, ignore_errors=True)
        started = time.monotonic()
        codes = part.fork()
        assert codes == [0] * run.ranks, f"an undisturbed run ended with {codes}"
        (part.folder / _SECONDS).write_text(str(time.monotonic() - started))
        part.folder.rename(whole.folder)
    return whole


def seconds_of(whole: TinyRun) -> float:
    """How long an undisturbed run took."""
    return float((whole.folder / _SECONDS).read_text())


def kill(run: TinyRun, moment: Kill, *, grace_s: float = 0.0) -> None:
    """Let a run go until it kills itself, and see that it does.

    Args:
        run: From its newest checkpoint on.
        moment: When.
        grace_s: How long the other ranks live on, seconds.
    """
    codes = replace(run, kill=moment).fork(grace_s=grace_s)
    own = codes if moment.rank is None else [codes[moment.rank]]
    assert set(own) == {-9}, f"{moment} did not happen: exit codes {codes}"
    # A rank that others have ended, because one of them had failed, has the same exit code.
    assert (run.folder / KILLED).exists(), f"{moment} did not happen: exit codes {codes}"
    (run.folder / KILLED).unlink()


def finish(run: TinyRun) -> None:
    """Let a run go to its end."""
    codes = run.fork()
    assert codes == [0] * run.ranks, f"the resumed run ended with {codes}"


def verdict(run: TinyRun, whole: TinyRun, *, kills: int = 0, others: int = 0) -> Tally:
    """Compare a finished run with the undisturbed one.

    Args:
        run: The disturbed one.
        whole: The undisturbed one.
        kills: Faults that were kills or signals.
        others: Further faults.
    """
    return judged(difference(run.folder, whole.folder), run.folder, kills=kills, others=others)


def judged(found: Difference, folder: Path, *, kills: int = 0, others: int = 0) -> Tally:
    """All faults of a run are survived if it differs in nothing and leaves no partial file."""
    left = [str(path.relative_to(folder)) for path in folder.rglob("*.part*")]
    survived = found == Difference() and not left
    return Tally(
        injected=kills + others,
        survived=kills + others if survived else 0,
        lost=found.lost,
        repeated=found.repeated,
        differing=found.differing,
        kills=kills,
        failures=tuple(f"left over: {name}" for name in left),
    )


def killed_case(
    whole: TinyRun,
    moments: Sequence[Kill],
    *,
    grace_s: float = 0.0,
    change: Callable[[TinyRun, int], TinyRun] = lambda run, life: run,
) -> Case:
    """A case of a run that is killed, resumed, killed again, and in the end finishes.

    Args:
        whole: The undisturbed run.
        moments: When it is killed, in turn.
        grace_s: How long the ranks that were not killed live on, seconds.
        change: What is different in each life, counted from 0.
    """

    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        for life, moment in enumerate(moments):
            kill(change(run, life), moment, grace_s=grace_s)
        finish(change(run, len(moments)))
        return verdict(run, whole, kills=len(moments))

    return Case(_name(moments, grace_s), work, faults=len(moments))


def moments(epochs: int, hooks: Sequence[str], *, rank: int | None = 0) -> list[Kill]:
    """Every moment at which a run can be killed, in the order in which they come.

    Args:
        epochs: Of the run.
        hooks: Which of those of `Kill`.
        rank: Which dies.
    """
    found = []
    for epoch in range(epochs):
        for step in range(epoch * STEPS, (epoch + 1) * STEPS):
            found += [Kill("start", step, rank), Kill("optimizer", step, rank)]
            found += [Kill("batch", step + 1, rank)]
        end = (epoch + 1) * STEPS
        found += [Kill(hook, end, rank) for hook in ("evaluating", "evaluated", "epoch")]
    return [moment for moment in found if moment.hook in hooks]


def _name(moments: Sequence[Kill], grace_s: float) -> str:
    words = [f"{m.hook}{m.step}" + ("" if m.rank == 0 else f"-rank{m.rank}") for m in moments]
    return "_".join(words) + (f"_grace{grace_s:g}" if grace_s else "")
