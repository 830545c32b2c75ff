"""Injected: each fault of `tests/badserver.py` into every tar or every index that is fetched: 404,
503 twice and for ever, a body cut once and three times, no length, no ranges, a stall and one
without end, a wrong byte once and always, a page instead of the file; and one connection of five
dropped, also while the run is killed, and in the real command. Survived: the run ends like the one
over local files, bit for bit, or is refused in bounded time by an error that says what happened; no
file but whole ones stands in the cache under its own name.
"""

import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from tests.badserver import FAULTS, BadServer, Fault
from tests.faults.cases import LOG, Case, run_cases
from tests.faults.commands import RESUME, TIMEOUT_S, command_verdict, saved, undisturbed_command
from tests.faults.disturbed import finish, kill, tiny_shards, undisturbed, verdict
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import TinyRun
from tests.killer import Kill
from tests.realcommand import Command

from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort

EFFORT = Effort(timeout_s=1.0, tries=4, pause_s=0.05)
TARS, INDICES = r"\.tar$", r"\.tar\.index$"
REFUSED_WITHIN_S = 90.0
"""A run of some seconds and four tries of everything, on a machine with other work."""


def run(scale: Scale, work: Path) -> Tally:
    """Train from bad servers."""
    shards = tiny_shards(work)
    whole = undisturbed(TinyRun(shards, work), work)
    cases = [
        _case(whole, name, fault, pattern)
        for pattern in (TARS, INDICES)
        for name, fault in FAULTS.items()
    ]
    moments = (Kill("batch", 2), Kill("start", 5))
    drops = [_dropping(whole, seed, moments=()) for seed in range(4)]
    drops += [_dropping(whole, 4, moments=moments)]
    # Loader processes of a remote set are started anew, which takes their imports.
    drops += [_dropping(replace(whole, workers=2), 5, moments=moments[:1])]
    if scale is Scale.FULL:
        drops.append(_command(undisturbed_command(work)))
    chosen = scale.pick(quick=[cases[3]], short=[*cases[1:12:3], drops[4]], full=[*cases, *drops])
    return run_cases(chosen, work / "R12")


def _case(whole: TinyRun, name: str, fault: Fault, pattern: str) -> Case:
    def work(folder: Path) -> Tally:
        with BadServer(whole.shards, fault, pattern=pattern) as server:
            run = _at(whole, server, folder)
            if fault.refusal is None:
                finish(run)
                tally = verdict(run, whole, others=1)
            else:
                tally = _refused(run, fault.refusal, folder / LOG)
        return _with(tally, _unclean(folder / "cache", whole.shards))

    kind = "tars" if pattern == TARS else "indices"
    return Case(f"{name}_{kind}", work)


def _dropping(whole: TinyRun, seed: int, *, moments: Sequence[Kill]) -> Case:
    def work(folder: Path) -> Tally:
        with BadServer(whole.shards, drops=0.2, seed=seed) as server:
            run = _at(whole, server, folder)
            for moment in moments:
                kill(run, moment)
                shutil.rmtree(folder / "cache")
            finish(run)
        tally = verdict(run, whole, kills=len(moments), others=1)
        return _with(tally, _unclean(folder / "cache", whole.shards))

    return Case(f"drops{seed}", work, faults=1 + len(moments))


def _command(whole: Command) -> Case:
    """The real command, killed once, over a server that drops one connection of five."""

    def work(folder: Path) -> Tally:
        shards = next(whole.experiment.parent.glob("shards/*/train/all"))
        with BadServer(shards, drops=0.2, seed=9) as server:
            options = (
                f"data.source={server.url}",
                f"data.val_source={shards.parents[1] / 'val' / 'all'}",
                f"data.remote.cache_dir={folder}/cache",
                "data.workers=2",
            )
            command = replace(whole, runs=folder / "runs", options=options)
            command.kill_when(lambda: saved(10)(command))
            command.finish(*RESUME)
        tally = command_verdict(command, whole, kills=1, others=1)
        return _with(tally, _unclean(folder / "cache", shards))

    return Case("command", work, faults=2, timeout_s=TIMEOUT_S)


def _at(whole: TinyRun, server: BadServer, folder: Path) -> TinyRun:
    cache = Cache(folder / "cache", effort=EFFORT)
    return replace(whole, folder=folder / "run", url=server.url, cache=cache)


def _refused(run: TinyRun, words: str, log: Path) -> Tally:
    started = time.monotonic()
    codes = run.fork()
    took_s = time.monotonic() - started
    said = re.search(words, log.read_text()) is not None
    wrong = [] if codes == [1] else [f"exit codes {codes}"]
    wrong += [] if said else [f"nobody says {words!r}"]
    wrong += [] if took_s < REFUSED_WITHIN_S else [f"it took {took_s:.0f} s"]
    return Tally(injected=1, survived=0 if wrong else 1, failures=tuple(wrong))


def _unclean(cache: Path, shards: Path) -> list[str]:
    """Files under a digest's name that are not what the digest says."""
    found = [path for path in cache.glob("*") if len(path.name) == 64]
    wrong = [path.name for path in found if sha256(path.read_bytes()).hexdigest() != path.name]
    return [f"{name} is not whole" for name in wrong]


def _with(tally: Tally, wrong: Sequence[str]) -> Tally:
    survived = 0 if wrong else tally.survived
    return replace(tally, survived=survived, failures=(*tally.failures, *wrong))
