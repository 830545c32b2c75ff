"""Injected: each fault of `tests/badserver.py` into every tar or every index that is fetched: 404,
503 twice and for ever, a body cut once and three times, no length, no ranges, a stall and one
without end, a wrong byte once and always, a page instead of the file, a head, interim answers and
a chunk's extension that drip without end; and every fifth connection dropped, also while the run is
killed, and in the real command. Survived: the server did misbehave, and the run ends like the one
over local files, bit for bit, or is refused in bounded time by an error that says what happened;
nothing is left in the cache but whole files and, unless the refusal is for good, partial files that
the next transfer goes on with, to the digest.
"""

import json
import os
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

from streetclip.config.load import load_experiment
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.locks import release, try_lock
from streetclip.shards.remote import RemoteFile

EFFORT = Effort(timeout_s=1.0, tries=4, pause_s=0.05)
FOR_GOOD = ("absent", "wrong_for_ever", "page")
"""Faults after which a file is refused for good."""
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
    moments = (Kill("batch", 2), Kill("start", 5), Kill("start", 6))
    drops = [_dropping(whole, seed, moments=()) for seed in range(4)]
    drops += [_dropping(whole, 4, moments=moments)]
    # Loader processes of a remote set are started anew, which takes their imports.
    drops += [_dropping(replace(whole, workers=2), 5, moments=moments[:1])]
    if scale is Scale.FULL:
        drops.append(_command(undisturbed_command(work)))
    by_name = {case.name: case for case in cases}
    short = ("busy_twice", "no_length", "stall", "wrong_for_ever", "drip_head", "drip_extension")
    chosen = scale.pick(
        quick=[by_name["cut_once_tars"]],
        short=[*(by_name[f"{name}_tars"] for name in short), drops[4]],
        full=[*cases, *drops],
    )
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
        refused = _refused_files(folder / LOG) if name in FOR_GOOD else None
        wrong = _unclean(folder / "cache", whole.shards, refused)
        return _with(tally, [*_well_behaved(server), *wrong])

    kind = "tars" if pattern == TARS else "indices"
    return Case(f"{name}_{kind}", work)


def _dropping(whole: TinyRun, seed: int, *, moments: Sequence[Kill]) -> Case:
    def work(folder: Path) -> Tally:
        with BadServer(whole.shards, drop_every=5, seed=seed) as server:
            run = _at(whole, server, folder)
            for number, moment in enumerate(moments):
                kill(run, moment)
                # Without the cache the next life asks the server again; with it, it goes on from
                # what the killed one had fetched, whole and half.
                if number % 2:
                    shutil.rmtree(folder / "cache")
            finish(run)
        tally = verdict(run, whole, kills=len(moments), others=1)
        wrong = [*_well_behaved(server), *_unclean(folder / "cache", whole.shards)]
        return _with(tally, wrong)

    return Case(f"drops{seed}", work, faults=1 + len(moments))


def _command(whole: Command) -> Case:
    """The real command, killed once, over a server that drops one connection of five."""

    def work(folder: Path) -> Tally:
        shards = Path(load_experiment(whole.run / "config.yaml").data.source)
        with BadServer(shards, drop_every=5, seed=9) as server:
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
        return _with(tally, [*_well_behaved(server), *_unclean(folder / "cache", shards)])

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


def _well_behaved(server: BadServer) -> list[str]:
    """Whether nothing was injected."""
    return [] if server.misbehaved else ["the server answered every request as a good one does"]


def _refused_files(log: Path) -> set[str]:
    """Files that a run could not fetch; others may have been on their way when it ended."""
    return set(re.findall(r"/([^/\s]+) cannot be fetched", log.read_text()))


def _unclean(cache: Path, shards: Path, refused: set[str] | None = None) -> list[str]:
    """What is in a cache beside its lock, whole files, and partial files that can be continued.

    Of files that are refused for good there is none, and of the others what has come is wrong.
    """
    files = _by_digest(shards)
    wrong = []
    for path in sorted(cache.iterdir()):
        part = re.fullmatch(r"\.([0-9a-f]{64})\.part", path.name)
        if path.name in files:
            if sha256(path.read_bytes()).hexdigest() != path.name:
                wrong.append(f"{path.name} is not whole")
        elif part and part[1] in files and files[part[1]][0] not in (refused or ()):
            is_right = refused is None
            wrong += _not_continued(cache, shards, part[1], files[part[1]], is_right=is_right)
        elif not path.name.endswith(".lock"):
            wrong.append(f"{path.name} is left over")
    for lock in cache.glob(".?*.lock"):
        # That of a process that is gone holds nothing, and goes when the cache is used again.
        handle = try_lock(lock)
        if handle is None:
            wrong.append(f"{lock.name} is held")
        else:
            release(lock, handle)
    return wrong


def _by_digest(shards: Path) -> dict[str, tuple[str, int | None]]:
    """Names and known sizes of the tars and indices of a shard set."""
    entries = json.loads((shards / "shards.json").read_text())["shards"]
    tars = {entry["sha256"]: (entry["file"], entry["bytes"]) for entry in entries}
    return tars | {entry["index_sha256"]: (entry["file"] + ".index", None) for entry in entries}


def _not_continued(
    cache: Path, shards: Path, digest: str, file: tuple[str, int | None], *, is_right: bool
) -> list[str]:
    """What is wrong unless a good server is asked for the rest of a partial file alone."""
    name, size = file
    part = (cache / f".{digest}.part").read_bytes()
    # One that has all bytes only lacks its name.
    is_all = sha256(part).hexdigest() == digest
    expected = [] if is_all else [(len(part), 206 if part else 200)]
    with BadServer(shards) as server:
        wanted = RemoteFile(f"{server.url}/{name}", size, digest)
        os.close(Cache(cache, effort=EFFORT).open(wanted))
        asked = [(request.start, request.status) for request in server.requests]
    is_whole = sha256((cache / digest).read_bytes()).hexdigest() == digest
    went_on = is_whole and (asked == expected or not is_right)
    return [] if went_on else [f"{len(part)} bytes of {name}: asked for {asked}"]


def _with(tally: Tally, wrong: Sequence[str]) -> Tally:
    survived = 0 if wrong else tally.survived
    return replace(tally, survived=survived, failures=(*tally.failures, *wrong))
