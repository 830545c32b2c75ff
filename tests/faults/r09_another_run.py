"""Injected: a killed run is resumed with another shard set (of other photographs, of other sizes),
seed, batch size, lane count, window, template, augmentation, order, or model. Survived: it is
refused with the differing part named, before a step is taken, and the run itself then goes on to
the end of the undisturbed one, bit for bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.faults.cases import LOG, Case, run_cases
from tests.faults.commands import disturbed_command, undisturbed_command
from tests.faults.disturbed import finish, kill, tiny_shards, undisturbed, verdict
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import BATCH, MODEL, TinyRun
from tests.killer import Kill
from tests.realcommand import Command
from tests.tinyshards import SIZES, write_tiny_shards

MOMENT = Kill("start", 6)
BATCHES, MODELS = "the checkpoint was trained on other batches", "belongs to another model"


@dataclass(frozen=True)
class Change:
    """What is other than in the run that is to be resumed.

    Args:
        names: What the refusal must name.
        sizes: Of the shards, or None for the same shard set.
        changes: Of the run's fields.
        refusal: The words of the refusal.
    """

    names: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    sizes: tuple[int, ...] | None = None
    refusal: str = BATCHES


CHANGES = {
    "photographs": Change("shard_set: ", sizes=SIZES),
    "sizes": Change("samples_per_shard: ", sizes=(20, 14)),
    "samples": Change("samples: 34 there, 35 here", sizes=(17, 18)),
    "seed": Change("seed: 3 there, 4 here", {"data": {"seed": 4}}),
    "batch_size": Change("batch_size: 8 there, 4 here", {"data": {"batch_size": BATCH // 2}}),
    "lanes": Change("lanes: 8 there, 4 here", {"data": {"lanes": 4}}),
    "window": Change("window: 4 there, 5 here", {"data": {"window": 5}}),
    "template": Change("template: ", {"template": "street_facts"}),
    "flip": Change("flip: False there, True here", {"data": {"flip": True}}),
    "crop": Change("scale_min: 0.9 there, 0.8 here", {"data": {"scale_min": 0.8}}),
    "order": Change("order: planned there, resampled here", {"data": {"order": "resampled"}}),
    "size": Change(
        "vision_cfg.image_size is 40 in the model and 32 in the checkpoint",
        {"model": {**MODEL, "vision_cfg": {**MODEL["vision_cfg"], "image_size": 40}}},
        refusal=MODELS,
    ),
    "model": Change(
        "text_cfg.layers is 2 in the model and 1 in the checkpoint",
        {"model": {**MODEL, "text_cfg": {**MODEL["text_cfg"], "layers": 2}}},
        refusal=MODELS,
    ),
    "width": Change(
        "embed_dim is 24 in the model and 16 in the checkpoint",
        {"model": {**MODEL, "embed_dim": 24}},
        refusal=MODELS,
    ),
}


COMMAND_CHANGES = {
    ("seed=43",): "seed: 42 there, 43 here",
    ("data.batch_size=4",): "batch_size: 8 there, 4 here",
    ("data.captions=street_facts",): "template: ",
    ("data.sample_world.seed=9",): "shard_set: ",
    ("model.name=ViT-S-32",): "in the checkpoint",
}


def run(scale: Scale, work: Path) -> Tally:
    """Resume a run as another one, for every way in which it can be another."""
    whole = undisturbed(TinyRun(tiny_shards(work), work), work)
    cases = [_case(whole, name, change) for name, change in CHANGES.items()]
    if scale is Scale.FULL:
        command = undisturbed_command(work)
        cases.append(disturbed_command(command, _as_others, faults=len(COMMAND_CHANGES)))
    chosen = scale.pick(quick=cases[3:4], short=[cases[0], *cases[4:8], cases[-2]], full=cases)
    return run_cases(chosen, work / "R9")


def _as_others(command: Command) -> str:
    """Resume the run of the command as another one, for some ways in which it can be another."""
    for options, names in COMMAND_CHANGES.items():
        printed = command.finish("--resume", str(command.run), *options, code=2)
        assert names in printed, f"{names!r} is not named: {printed}"
    return f"{command.run} continues from"


def _case(whole: TinyRun, name: str, change: Change) -> Case:
    def work(folder: Path) -> Tally:
        run = replace(whole, folder=folder / "run")
        kill(run, MOMENT)
        other = replace(run, **change.changes)
        if change.sizes is not None:
            other = replace(
                other, shards=write_tiny_shards(folder / "other", sizes=change.sizes, seed=12)
            )
        codes = other.fork()
        assert codes == [1], f"the run was not refused: exit codes {codes}"
        said = _refusal(folder / LOG, change.refusal)
        assert change.names in said, f"{change.names!r} is not named: {said}"
        finish(run)
        return verdict(run, whole, kills=1, others=1)

    return Case(name, work, faults=2)


def _refusal(log: Path, words: str) -> str:
    found = [line for line in log.read_text().splitlines() if words in line]
    assert found, f"nobody says {words!r}"
    return found[-1]
