import csv
import re
from pathlib import Path

import pytest
from tests.conftest import Finished
from tests.tinyrun import tiny_experiment

from streetclip.build.assumed import Assumed
from streetclip.build.check import check, examine
from streetclip.build.dry_run import DryRun, dry_run
from streetclip.build.model import training_module
from streetclip.config.load import load_experiment
from streetclip.errors import ConfigError, StreetclipError


def _plan(folder: Path, *overrides: str, **given: float | None) -> DryRun:
    return dry_run(tiny_experiment(folder, *overrides), Assumed(**given))  # type: ignore[arg-type]


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def test_a_dry_run_says_what_the_run_did(finished: Finished) -> None:
    run = dry_run(load_experiment(finished.experiment))
    with (finished.run / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["train/loss"]]
    assert run.steps == len(rows)
    assert run.photos == 40
    assert run.batches.negatives == float(rows[0]["train/negatives"])
    checkpoints = list((finished.run / "checkpoints").glob("step*.ckpt"))
    sizes = [path.stat().st_size for path in checkpoints]
    # Places, options and names come on top of the tensors; the model is tiny.
    assert all(run.disk.checkpoint < size < run.disk.checkpoint + 200_000 for size in sizes)
    assert len(sizes) <= run.disk.checkpoints


def test_a_dry_run_writes_nothing_and_needs_neither_weights_nor_photographs(
    tmp_path: Path,
) -> None:
    tiny_experiment(tmp_path)
    before = _files(tmp_path)
    absent = ("model.pretrained=/nowhere/weights.pt", "data.source=/nowhere", "data.val_source=/n")
    run = _plan(tmp_path, *absent, "trainer.accelerator=gpu", "trainer.devices=4", photos=100)
    assert (run.photos, run.steps_per_epoch, run.batches.ranks) == (100, 12, 4)
    assert _files(tmp_path) == before


@pytest.mark.parametrize(
    "override", ["model.lora.rank=2", "model.last_blocks_text=1", "model.lock_image=true"]
)
def test_a_part_that_is_trained_is_counted_as_a_part(tmp_path: Path, override: str) -> None:
    options = tiny_experiment(tmp_path, override)
    module = training_module(options, check(options).backbone)
    parameters = list(module.parameters())
    cost = dry_run(options, Assumed(photos=100)).cost
    assert cost.trained == sum(each.numel() for each in parameters if each.requires_grad)
    assert cost.parameters == sum(each.numel() for each in parameters)
    assert cost.trained < cost.parameters


def test_weights_of_a_hub_are_checked_by_name_and_not_fetched(tmp_path: Path) -> None:
    known = ("model.name=ViT-B-32-quickgelu", "model.pretrained=openai")
    parts, problems = examine(tiny_experiment(tmp_path, *known), weights=False)
    assert parts is not None
    assert problems == []
    assert {parameter.device.type for parameter in parts.backbone.parameters()} == {"meta"}
    with pytest.raises(ConfigError, match="no weights 'opneai' for model 'ViT-B-32-quickgelu'"):
        _plan(tmp_path, known[0], "model.pretrained=opneai")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.batch_size=64", "fewer samples than one batch; got: 40 samples"),
        ("data.micro_batch_size=3", "data.micro_batch_size=3 does not divide data.batch_size=8"),
        ("trainer.strategy=fsdp", "strategy=fsdp; allowed: ddp; a ViT-L-14-336 takes 7 GB"),
        ("trainer.devices=3", "8 lanes cannot be shared by 3 ranks; allowed: ranks 1, 2, 4, 8"),
        ("trainer.accelerator=abacus", "trainer.accelerator must be one of auto, cpu"),
        ("evaluation.protocol=atlantis", "atlantis"),
        ("model.name=ViT-B-23", "no model 'ViT-B-23' in open_clip"),
        ("optim.warmup_steps=50", "warm-up is 50 steps; allowed: 0 to 10"),
        ("data.lanes=3", "data.lanes=3 does not divide data.batch_size=8"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        _plan(tmp_path, override)


@pytest.mark.parametrize(
    "overrides",
    [
        ("data.micro_batch_size=3",),
        ("trainer.strategy=fsdp",),
        ("trainer.devices=3",),
        ("trainer.devices=2", "data.batch_size=24", "data.micro_batch_size=8"),
        ("trainer.accelerator=abacus",),
        ("checkpoint.monitor=zeroshot/vla/median_km",),
        ("trainer.loggers=[paper]",),
        ("loss.negatives=local", "data.micro_batch_size=2"),
    ],
    ids=" ".join,
)
def test_a_run_and_its_dry_run_are_refused_alike(
    tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    options = tiny_experiment(tmp_path, *overrides)
    said = []
    for work in (check, dry_run):
        with pytest.raises(ConfigError, match="has 1 problem") as refused:
            work(options)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_all_that_is_wrong_is_named_together(tmp_path: Path) -> None:
    wrong = ("trainer.strategy=fsdp", "data.captions=poems", "data.micro_batch_size=5")
    with pytest.raises(ConfigError, match="has 6 problems"):
        _plan(tmp_path, *wrong, ranks=3, photos=5, utilization=2.0)


def test_a_pass_too_large_for_a_device_is_refused_with_one_that_fits(tmp_path: Path) -> None:
    fits = _plan(tmp_path, "data.batch_size=32", memory_gib=1.0)
    a_pair = fits.memory.activations // 32
    room = (fits.memory.total - fits.memory.activations + 20.5 * a_pair) / 2**30
    with pytest.raises(ConfigError, match=r"a pass of 32 pairs takes about .*=16 would fit"):
        _plan(tmp_path, "data.batch_size=32", memory_gib=room)
    with pytest.raises(ConfigError, match=r"no pass fits, and model.gradient_checkpointing=true"):
        _plan(tmp_path, "data.batch_size=32", memory_gib=1e-5)


@pytest.mark.parametrize(
    ("overrides", "given", "note"),
    [
        (
            ("accumulate.mode=plain", "data.micro_batch_size=2"),
            {},
            "compares each photograph with 1 others and not with the 7",
        ),
        (("data.micro_batch_size=2",), {"memory_gib": 1.0}, "micro_batch_size=null is faster"),
        (("model.gradient_checkpointing=true",), {"memory_gib": 1.0}, "fit without"),
        ((), {"tflops": 1.0}, "trainer.precision=32-true reaches a part of it"),
        ((), {"tflops": 1.0}, "the input wants"),
    ],
)
def test_what_works_and_may_not_be_meant_is_noted(
    tmp_path: Path, overrides: tuple[str, ...], given: dict[str, float], note: str
) -> None:
    assert any(note in said for said in _plan(tmp_path, *overrides, **given).notes)


def test_a_tight_memory_is_noted(tmp_path: Path) -> None:
    total = _plan(tmp_path).memory.total
    (note,) = _plan(tmp_path, memory_gib=total * 1.05 / 2**30).notes
    assert note.startswith("the memory is tight")
    assert _plan(tmp_path).notes == ()


def test_the_order_of_resampled_shards_has_no_lanes(tmp_path: Path) -> None:
    words = ("data.order=resampled", "data.source=https://example.org/{0..9}.tar")
    run = _plan(tmp_path, *words, "data.samples_per_epoch=100")
    assert (run.batches.lanes, run.steps_per_epoch, run.steps) == (None, 12, 24)
    with pytest.raises(StreetclipError, match=r"data\.samples_per_epoch is smaller than one batch"):
        _plan(tmp_path, *words, "data.samples_per_epoch=7")
