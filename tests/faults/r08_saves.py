"""Injected: `kill -9`, and an error of the disk, at every call by which a save becomes durable
(inside writes, around fsync, rename, link and unlink, inside an epoch and at its end), with the
temporary folder on another disk; a full disk and a limit on the size of files; 200 flipped bits in
the content of a checkpoint and 100 anywhere in its file; and checkpoints that are cut, empty,
flipped or something else. Survived: no save leaves half a checkpoint under its name or a partial
file for ever; the run goes on from the newest whole checkpoint and ends bit for bit like the
undisturbed one; a damaged checkpoint is refused by name and the older one taken (a flipped bit
outside the content may also change nothing).
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
from tests.differences import differing_values
from tests.faults.cases import LOG, Case, run_cases
from tests.faults.commands import RESUME, disturbed_command, undisturbed_command
from tests.faults.damage import DAMAGES, any_bits, content_bits, flip_bit
from tests.faults.disturbed import finish, kill, tiny_shards, undisturbed, verdict
from tests.faults.dying_save import DyingSave, Moment, moments_of_a_save
from tests.faults.full_disk import BALLAST, FillTheDisk, LimitFiles, can_mount, mount_small_disk
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import STEPS, TinyRun
from tests.killer import Kill
from tests.realcommand import Command

from streetclip.errors import CheckpointError
from streetclip.training.checkpoint_io import checkpoints, damage, newest_whole, read_checkpoint

SAVES = (6, STEPS, 2 * STEPS)
"""Steps with a save: inside an epoch, and an epoch's own at its end."""
MIB = 1 << 20
_LIMITED = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, ({4 * MIB}, {4 * MIB}))
runpy.run_module("streetclip", run_name="__main__", alter_sys=True)
"""
"""The command in a process that cannot write large files."""
LATE = Kill("start", 7)
"""When there are two checkpoints, the newest inside an epoch."""
Bits = Callable[[Path, int, np.random.Generator], list[int]]


def run(scale: Scale, work: Path) -> Tally:
    """Disturb saves while they happen, and checkpoints afterwards."""
    whole = undisturbed(TinyRun(tiny_shards(work), work), work)
    folder = work / "R8"
    moments = [
        moment
        for step in scale.pick(quick=SAVES[:1], short=SAVES[1:2], full=SAVES)
        for moment in moments_of_a_save(whole, step, folder / f"listed{step}")
    ]
    dying = [_dying(whole, moment) for moment in moments]
    full = _full_disks(whole, folder / "attempt")
    damaged = [_damaged(whole, name, newest=n) for name in DAMAGES for n in (1, 2)]
    few = [_flips(whole, "content", content_bits, seed=0, count=20)]
    many = [_flips(whole, "content", content_bits, seed=seed, count=50) for seed in range(4)]
    many += [_flips(whole, "anywhere", any_bits, seed=seed, count=50) for seed in range(2)]
    if scale is Scale.FULL:
        whole_command = undisturbed_command(work)
        damaged.append(disturbed_command(whole_command, _damage_newest))
        full.append(disturbed_command(whole_command, _limit_files, name="command_limit"))
    quick = [dying[3], *few]
    short = [*dying[::5], full[0], full[-1], damaged[2], *few]
    chosen = scale.pick(quick=quick, short=short, full=[*dying, *full, *damaged, *many])
    tally = run_cases(chosen, folder)
    if scale is Scale.QUICK or can_mount(folder / "again"):
        return tally
    return replace(tally, notes=("full disks, as no small disk could be mounted here.",))


def _dying(whole: TinyRun, moment: Moment) -> Case:
    is_kill = moment.how != "error"
    # Where a link fails, the run copies the file and goes on.
    expected = ([-9],) if is_kill else ([1], [0])

    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        with _temporary_files_elsewhere(folder):
            codes = replace(run, callbacks=(DyingSave(moment),)).fork()
            assert codes in expected, f"{moment} did not happen: exit codes {codes}"
            _assert_whole(run)
            finish(run)
        return verdict(run, whole, kills=int(is_kill), others=int(not is_kill))

    return Case(f"save{moment.step}_call{moment.call}_{moment.how}", work)


@contextmanager
def _temporary_files_elsewhere(folder: Path) -> Iterator[None]:
    """Put the system's temporary folder on another disk than a folder, where there is one."""
    own = folder.stat().st_dev
    disks = [Path(name) for name in ("/dev/shm", "/tmp", "/var/tmp") if Path(name).is_dir()]
    other = next((disk for disk in disks if disk.stat().st_dev != own), None)
    with tempfile.TemporaryDirectory(dir=other) as name:
        os.environ["TMPDIR"] = name
        tempfile.tempdir = None
        yield


def _full_disks(whole: TinyRun, attempt: Path) -> list[Case]:
    """Full disks where the machine lets us mount one, and limits on files everywhere."""
    steps = (1, 3, STEPS, 6)
    cases = [_limit(whole, step, size) for step in steps for size in (MIB // 8, MIB, 4 * MIB)]
    if can_mount(attempt):
        rooms = (0, MIB // 8, MIB, 4 * MIB)
        cases += [_full_disk(whole, step, room) for step in steps for room in rooms]
    return cases


def _limit(whole: TinyRun, step: int, size_bytes: int) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        _fail(run, LimitFiles(step, size_bytes), folder / LOG, "File too large")
        finish(run)
        return verdict(run, whole, others=1)

    return Case(f"limit_at{step}_{size_bytes}", work)


def _full_disk(whole: TinyRun, step: int, left_bytes: int) -> Case:
    largest = checkpoints(whole.checkpoints)[0].stat().st_size

    def work(folder: Path) -> Tally:
        disk = folder / "disk"
        mount_small_disk(disk, 6 * largest)
        run = replace(whole, folder=disk / "run")
        _fail(run, FillTheDisk(disk, step, left_bytes), folder / LOG, "No space left on device")
        (disk / BALLAST).unlink()
        finish(run)
        return verdict(run, whole, others=1)

    return Case(f"full_at{step}_{left_bytes}", work)


def _fail(run: TinyRun, disturbance: pl.Callback, log: Path, reason: str) -> None:
    """Let a run end with an error that names its reason, and leave all it had written whole."""
    codes = replace(run, callbacks=(disturbance,)).fork()
    assert codes == [1], f"the run ended with {codes}"
    assert reason in log.read_text(), f"nobody says {reason!r}"
    _assert_whole(run)


def _assert_whole(run: TinyRun) -> None:
    """A checkpoint under its own name is complete, whatever happened while it was written."""
    damaged = [
        f"{path.name}: {reason}"
        for path in checkpoints(run.checkpoints)
        if (reason := damage(path))
    ]
    assert not damaged, f"checkpoints are damaged: {damaged}"


def _damaged(whole: TinyRun, name: str, *, newest: int) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        kill(run, LATE)
        chosen = checkpoints(run.checkpoints)[:newest]
        for path in chosen:
            DAMAGES[name](path)
        finish(run)
        log = (folder / LOG).read_text()
        for path in chosen:
            assert f"checkpoint refused: {path}" in log, f"nobody names {path.name}"
        return verdict(run, whole, kills=1, others=newest)

    return Case(f"newest{newest}_{name}", work, faults=1 + newest)


def _damage_newest(command: Command) -> str:
    """The command must say which checkpoint it refuses."""
    newest = checkpoints(command.run / "checkpoints")[0]
    DAMAGES["half"](newest)
    return f"checkpoint refused: {newest}"


def _limit_files(command: Command) -> str:
    """The command must end with an error that says what to do, and go on without the limit."""
    limited = replace(command, launcher=("-c", _LIMITED))
    printed = limited.finish(*RESUME, code=1)
    assert "could not be written" in printed, printed
    assert "make room on the disk and resume" in printed, printed
    return f"{command.run} continues from"


def _flips(whole: TinyRun, name: str, choose: Bits, *, seed: int, count: int) -> Case:
    def work(folder: Path) -> Tally:
        shutil.copytree(whole.checkpoints, folder / "checkpoints")
        newest = checkpoints(folder / "checkpoints")[0]
        right = read_checkpoint(newest)
        bits = choose(newest, count, np.random.default_rng(seed))
        missed = [bit for bit in bits if not _is_noticed(newest, bit, right, name)]
        failures = tuple(f"bit {bit} of {newest.name} was not noticed" for bit in missed)
        return Tally(injected=count, survived=count - len(missed), failures=failures)

    return Case(f"flips_{name}{seed}", work, faults=count)


def _is_noticed(newest: Path, bit: int, right: dict[str, Any], where: str) -> bool:
    """Whether a flipped bit is refused, or outside the content has changed nothing."""
    flip_bit(newest, bit)
    try:
        found = newest_whole(newest.parent)
        if found.path == newest:
            return where == "anywhere" and differing_values(read_checkpoint(newest), right) == 0
        is_named = [path for path, _ in found.refused] == [newest]
        return is_named and found.path is not None and _is_refused(newest)
    finally:
        flip_bit(newest, bit)


def _is_refused(path: Path) -> bool:
    try:
        read_checkpoint(path)
    except CheckpointError:
        return True
    return False
