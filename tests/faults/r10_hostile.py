"""Injected: checkpoints that hold a pickle with a payload (a bare pickle, a torch archive whose
checksums are right, torch's old format, an archive at which torch's protected reader stumbles), to
resume from, to load, to start from, as weights, and on a server, for `--resume URL`,
`model.start_from=URL`, `--model URL` and `streetclip.load(URL)`; `.pyd`, `.pkl`, `.pth` and other
members in a tar that is trained on in both orders; `pipe:` and other names that are commands; YAML
with Python tags as experiment, benchmark, template, protocol and argument; names that lead out of
their folder in a tar, in shards.json and in a table. Survived: no code runs (a folder that each of
them would make is not there), and each is refused with an error of ours (exit code 2 of the
command), or passed over where the documentation says so; the server was really asked, and a
harmless checkpoint on the same road is taken.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.badserver import BadServer
from tests.badthings.shardset import good_sample
from tests.differences import Difference, difference, samples
from tests.faults.cases import LOG, Case, run_cases
from tests.faults.commands import streetclip, undisturbed_command
from tests.faults.disturbed import finish, kill, tiny_shards, undisturbed, verdict
from tests.faults.hostile import CHECKPOINTS, write_hostile_tar, yaml_tags
from tests.faults.hostile_names import (
    command_as_shard,
    leaving_in_shards_json,
    leaving_in_table,
    leaving_in_tar,
    tags_in_yaml,
)
from tests.faults.hostile_urls import HARMLESS, HOSTILE, REFUSED, assert_asked, at_a_url, own_cache
from tests.faults.hostile_weights import to_load, to_start_from
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import STEPS, TinyRun
from tests.killer import Kill
from tests.realcommand import Command

from streetclip.shards.index import index_shards
from streetclip.training.checkpoint_io import checkpoints

Attempt = Callable[[Path, Path], int]
"""Tries to make a marker, the second path, in a folder, the first; how often it was refused."""

ATTEMPTS: Mapping[str, Attempt] = {
    **{f"load_{kind}": partial(to_load, write) for kind, write in CHECKPOINTS.items()},
    **{f"start_{kind}": partial(to_start_from, write) for kind, write in CHECKPOINTS.items()},
    **{f"url_{kind}": partial(at_a_url, write) for kind, write in CHECKPOINTS.items()},
    "command_as_shard": command_as_shard,
    "tags_in_yaml": tags_in_yaml,
    "leaving_in_tar": leaving_in_tar,
    "leaving_in_shards_json": leaving_in_shards_json,
    "leaving_in_table": leaving_in_table,
}


def run(scale: Scale, work: Path) -> Tally:
    """Offer what would run code, and look whether it has."""
    whole = undisturbed(TinyRun(tiny_shards(work), work), work)
    resumed = [_resumed(whole, kind) for kind in CHECKPOINTS]
    trained = [_trained(whole, order) for order in ("planned", "resampled")]
    attempts = [_case(name, attempt) for name, attempt in ATTEMPTS.items()]
    if scale is Scale.FULL:
        command = undisturbed_command(work)
        attempts.append(_case("command", partial(_given_to_the_command, command)))
        attempts.append(_case("command_urls", partial(_urls_to_the_command, command)))
    chosen = ("load_torch_archive", "url_type_error_archive", "command_as_shard", "tags_in_yaml")
    quick = [case for case in attempts if case.name in chosen]
    full = [*resumed, *trained, *attempts]
    return run_cases(scale.pick(quick=quick, short=full, full=full), work / "R10")


def _case(name: str, attempt: Attempt) -> Case:
    def work(folder: Path) -> Tally:
        count = attempt(folder, folder / "marker")
        _assert_nothing_ran(folder)
        return Tally(injected=count, survived=count)

    return Case(name, work)


def _resumed(whole: TinyRun, kind: str) -> Case:
    """A hostile checkpoint as the newest of a run that was killed."""

    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        kill(run, Kill("start", STEPS + 3))
        newest = checkpoints(run.checkpoints)[0]
        CHECKPOINTS[kind](newest, folder / "marker")
        if run.fork() == [1]:  # an archive that is whole is not passed over, but refused
            assert "is not one of our checkpoints" in (folder / LOG).read_text()
            newest.unlink()
            finish(run)
        else:
            assert f"checkpoint refused: {newest}" in (folder / LOG).read_text()
        _assert_nothing_ran(folder)
        return verdict(run, whole, kills=1, others=1)

    return Case(f"resumed_{kind}", work, faults=2)


def _trained(whole: TinyRun, order: str) -> Case:
    """Hostile members beside good samples, which are all trained on."""

    def work(folder: Path) -> Tally:
        shards = folder / "shards"
        shards.mkdir()
        write_hostile_tar(shards / "000000.tar", folder / "marker", samples=16)
        assert len(index_shards(shards)) == 16
        run = replace(whole, folder=folder / "run", shards=shards, data={"order": order})
        finish(run)
        _assert_nothing_ran(folder)
        seen = samples(run.folder).total()
        assert seen == 2 * 16, f"{seen} samples were seen in two epochs"
        return Tally(injected=1, survived=1)

    return Case(f"trained_{order}", work)


def _given_to_the_command(whole: Command, folder: Path, marker: Path) -> int:
    """Hostile files and names where a user can give them; each ends with a refusal."""
    command = replace(whole, runs=folder / "runs")
    shutil.copytree(whole.runs, command.runs)
    hostile = command.run / "checkpoints" / "hostile.ckpt"
    CHECKPOINTS["torch_archive"](hostile, marker)
    document = folder / "hostile.yaml"
    document.write_text(f"seed: {yaml_tags(marker)[0]}\n")
    shard = f"pipe:mkdir {marker}"
    resampled = ("data.order=resampled", "data.samples_per_epoch=8", f"data.source={shard}://x")
    refused = [
        ("pretrain", whole.experiment, "--resume", hostile),
        ("pretrain", whole.experiment, f"model.start_from={hostile}"),
        ("pretrain", whole.experiment, *resampled),
        ("pretrain", document),
        ("benchmark", f"model={hostile}", f"data={tiny_shards(folder)}"),
        ("shards", "build", shard, folder / "out"),
    ]
    for words in refused:
        assert "Traceback" not in streetclip(*words, code=2)
    assert difference(command.run, whole.run) == Difference(), "a refused run has changed"
    return len(refused)


def _urls_to_the_command(whole: Command, folder: Path, marker: Path) -> int:
    """Hostile files on a server where a user can give a URL, and harmless ones before them."""
    served, photo = folder / "served", folder / "photo.jpg"
    served.mkdir()
    shutil.copyfile(checkpoints(whole.run / "checkpoints")[0], served / HARMLESS)
    photo.write_bytes(good_sample(0).image)
    kinds = list(CHECKPOINTS)
    for kind in kinds:
        CHECKPOINTS[kind](served / f"{kind}-{HOSTILE}", marker)
    protocol = whole.experiment.parent / "protocol.yaml"
    refused = 0
    with BadServer(served) as server, own_cache(folder / "cache"):
        # Of its own, as other cases build theirs at the same time.
        own = (f"runs_dir={folder / 'runs'}", f"data.shards_dir={folder / 'shards'}")
        roads = [
            ("pretrain", whole.experiment, *own, "--resume", "{}"),
            ("pretrain", whole.experiment, *own, "model.start_from={}"),
            ("predict", photo, "--protocol", protocol, "--model", "{}"),
            ("benchmark", f"data={whole.experiment.parent / 'shards' / 'val'}", "model={}"),
        ]
        for number, road in enumerate(roads):
            name = f"{kinds[number]}-{HOSTILE}"
            words = [str(word).format(f"{server.url}/{name}") for word in road]
            printed = streetclip(*words, code=2)
            assert "Traceback" not in printed, printed
            assert re.search(REFUSED, " ".join(printed.split())), printed
            # What is not even an archive is asked for once more, as a transfer may have gone wrong.
            assert_asked(server, name, times=max(1, min(len(server.statuses(name)), 2)))
            assert not list((folder / "runs").glob("*/*/checkpoints/*")), "a run has begun"
            refused += 1
        words = [str(word).format(f"{server.url}/{HARMLESS}") for word in roads[2]]
        streetclip(*words, code=0)
        assert_asked(server, HARMLESS, times=1)
    return refused


def _assert_nothing_ran(folder: Path) -> None:
    if (folder / "marker").exists():
        pytest.fail(f"code ran in {folder.name}")
