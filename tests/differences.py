"""What differs between a run that was disturbed and one that was not."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch

from streetclip.training.checkpoint_io import BEST_NAME, newest_whole, read_checkpoint

PARTS = ("state_dict", "current_model_state", "optimizer_states", "lr_schedulers", "loops")
"""What a checkpoint holds of a run: weights or their averages, weights, optimizer, places."""


@dataclass(frozen=True)
class Difference:
    """Counts; two runs that are the same have none.

    Args:
        lost: Samples of an epoch's step that the disturbed run has not seen.
        repeated: Samples of an epoch's step that it has seen too often, or that are none.
        differing: Rows of captions and of values, and tensors and counters of the newest
            checkpoint and the best, whose bits are not the same.
    """

    lost: int = 0
    repeated: int = 0
    differing: int = 0


def difference(folder: Path, other: Path) -> Difference:
    """Compare two run folders bit for bit.

    Args:
        folder: Of the disturbed run.
        other: Of the undisturbed one.
    """
    ours, theirs = samples(folder), samples(other)
    return Difference(
        lost=(theirs - ours).total(),
        repeated=(ours - theirs).total(),
        differing=differing_lines(folder / "metrics.csv", other / "metrics.csv")
        + differing_lines(folder / "samples.jsonl", other / "samples.jsonl")
        + differing_ends(folder, other),
    )


def samples(folder: Path) -> Counter[tuple[int, int, str]]:
    """How often a run has seen a sample in a step: (epoch, step, key) to a count."""
    lines = (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return Counter((row["epoch"], row["step"], key) for row in rows for key in row["keys"])


def differing_lines(file: Path, other: Path) -> int:
    """Lines that are not the same, counted line by line; a line too few or too many is one."""
    pairs = zip_longest(file.read_bytes().split(b"\n"), other.read_bytes().split(b"\n"))
    return sum(ours != theirs for ours, theirs in pairs)


def differing_losses(folder: Path, other: Path, *, within: float) -> int:
    """Steps whose losses are further apart, or that only one of the runs has."""
    ours, theirs = _losses(folder), _losses(other)
    both = ours.keys() & theirs.keys()
    apart = [step for step in both if not abs(ours[step] - theirs[step]) <= within]
    return len(apart) + len(ours.keys() ^ theirs.keys())


def differing_ends(folder: Path, other: Path) -> int:
    """Tensors and counters that differ between the newest checkpoints, or the best, of two runs."""
    return differing_values(_ends(folder), _ends(other))


def differing_values(ours: Any, theirs: Any) -> int:
    """Tensors and plain values that differ between nested dictionaries and lists."""
    left, right = dict(_leaves(ours)), dict(_leaves(theirs))
    return sum(not _equal(left.get(name), right.get(name)) for name in left | right)


def _ends(folder: Path) -> dict[str, Any]:
    newest = newest_whole(folder / "checkpoints").path
    assert newest is not None, f"no checkpoint in {folder}"
    best = newest.with_name(BEST_NAME)
    ends = {"name": newest.name, "newest": _state(newest)}
    return {**ends, "best": _state(best)} if best.exists() else ends


def _losses(folder: Path) -> dict[str, float]:
    with (folder / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("train/loss")]
    assert len({row["step"] for row in rows}) == len(rows), f"a step stands twice in {folder}"
    return {row["step"]: float(row["train/loss"]) for row in rows}


def _state(checkpoint: Path) -> dict[str, Any]:
    content = read_checkpoint(checkpoint)
    return {part: content.get(part) for part in PARTS}


def _leaves(value: Any, name: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Tensors and plain values of nested dictionaries and lists, with the way to each."""
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        # So that an empty one is not the same as an absent one.
        yield (*name, "#"), len(value)
        for key, item in items:
            yield from _leaves(item, (*name, key))
    else:
        yield name, value


def _equal(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, torch.Tensor) and isinstance(theirs, torch.Tensor):
        return ours.dtype == theirs.dtype and torch.equal(ours, theirs)
    return type(ours) is type(theirs) and bool(ours == theirs)
