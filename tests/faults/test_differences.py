"""The comparison that the fault tests rest on sees every kind of difference."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.differences import PARTS, Difference, difference, differing_losses
from tests.faults.disturbed import tiny_shards, undisturbed
from tests.forkedrun import BATCH, TinyRun

from streetclip.training.checkpoint_io import BEST_NAME, newest_whole, read_checkpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an undisturbed run of one epoch."""
    work = tmp_path_factory.mktemp("whole")
    return undisturbed(TinyRun(tiny_shards(work), work, epochs=1), work).folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines(keepends=True)


def test_a_copy_differs_in_nothing(whole: Path, copy: Path) -> None:
    assert difference(copy, whole) == Difference()


def test_a_step_that_is_missing_is_lost(whole: Path, copy: Path) -> None:
    lines = _lines(copy / "samples.jsonl")
    (copy / "samples.jsonl").write_text("".join(lines[:-1]))
    assert difference(copy, whole) == Difference(lost=BATCH, differing=2)


def test_a_step_that_stands_twice_is_repeated(whole: Path, copy: Path) -> None:
    lines = _lines(copy / "samples.jsonl")
    (copy / "samples.jsonl").write_text("".join([*lines, lines[-1]]))
    assert difference(copy, whole) == Difference(repeated=BATCH, differing=2)


def test_a_sample_in_place_of_another_is_lost_and_repeated(whole: Path, copy: Path) -> None:
    lines = _lines(copy / "samples.jsonl")
    row = json.loads(lines[1])
    row["keys"][0] = row["keys"][1]
    (copy / "samples.jsonl").write_text("".join([lines[0], json.dumps(row) + "\n", *lines[2:]]))
    assert difference(copy, whole) == Difference(lost=1, repeated=1, differing=1)


@pytest.mark.parametrize(("name", "old"), [("metrics.csv", "1"), ("samples.jsonl", "photo")])
def test_another_value_or_caption_differs(whole: Path, copy: Path, name: str, old: str) -> None:
    lines = _lines(copy / name)
    begin, _, end = lines[-1].rpartition(old)
    (copy / name).write_text("".join([*lines[:-1], f"{begin}X{end}"]))
    assert difference(copy, whole) == Difference(differing=1)


@pytest.mark.parametrize("part", [part for part in PARTS if part != "loops"])
@pytest.mark.parametrize("which", ["newest", BEST_NAME])
def test_one_bit_of_a_checkpoint_differs(whole: Path, copy: Path, part: str, which: str) -> None:
    newest = newest_whole(copy / "checkpoints").path
    assert newest is not None
    path = newest if which == "newest" else newest.with_name(which)
    checkpoint = read_checkpoint(path)
    _flip(checkpoint[part])
    path.unlink()
    torch.save(checkpoint, path)
    assert difference(copy, whole) == Difference(differing=1)


def test_losses_differ_where_they_are_further_apart_than_allowed(whole: Path, copy: Path) -> None:
    lines = _lines(copy / "metrics.csv")
    step, epoch, loss, rest = lines[2].split(",", 3)
    changed = f"{step},{epoch},{float(loss) + 1e-5},{rest}"
    (copy / "metrics.csv").write_text("".join([*lines[:2], changed, *lines[3:-1]]))
    assert differing_losses(copy, whole, within=1e-6) == 2, "one is other, and one is missing"
    assert differing_losses(copy, whole, within=1e-4) == 1


def _flip(value: Any) -> None:
    """Change the last bit of the first number that is found."""
    holder, key = next(_numbers(value))
    number = holder[key]
    if isinstance(number, torch.Tensor):
        number.view(-1).view(torch.int32)[0] ^= 1
    else:
        holder[key] = number + type(number)(1)


def _numbers(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, torch.Tensor | int | float) and not isinstance(item, bool):
            yield value, key
        elif isinstance(item, dict | list):
            yield from _numbers(item)
