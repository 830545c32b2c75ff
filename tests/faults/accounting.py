"""Where every sample of an epoch went, worked out from the plan and from what is bad."""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from tests.forkedrun import BATCH

from streetclip.data.plan import Plan
from streetclip.shards.layout import ShardSet
from streetclip.shards.read import ShardReader

WINDOW, SEED = 4, 3
"""Of the plan of a tiny run."""


@dataclass
class Account:
    """What a run should have seen and listed.

    Args:
        seen: (epoch, step) to keys, those that stand for bad ones included.
        listed: Keys of the bad ones that were met, and why they are bad.
        tails: For each epoch the keys that are in no batch.
        size: Samples of the shard set.
    """

    seen: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    tails: list[set[str]] = field(default_factory=list)
    size: int = 0


def account(shards: ShardSet, bad: Mapping[str, str], epochs: int) -> Account:
    """Follow the plan of a tiny run by hand.

    Args:
        shards: Its shard set.
        bad: Keys that training must refuse, and why.
        epochs: Of the run.
    """
    plan = Plan(shards.samples_per_shard, batch_size=BATCH, window=WINDOW, seed=SEED)
    reader, found = ShardReader(shards), Account(size=len(shards))
    sizes = enumerate(shards.samples_per_shard)
    every = {reader.key(shard, sample) for shard, size in sizes for sample in range(size)}
    for epoch in range(epochs):
        met = set[str]()
        for step in range(plan.steps_per_epoch):
            keys = found.seen.setdefault((epoch, step), [])
            for shard, sample in plan.positions(epoch, step).tolist():
                count, offset = plan.samples_in(shard), 0
                met.add(reader.key(shard, sample))
                while (key := reader.key(shard, (sample + offset) % count)) in bad:
                    found.listed[key] = bad[key]
                    offset += 1
                keys.append(key)
        found.tails.append(every - met)
    return found


def mistakes(folder: Path, expected: Account) -> list[str]:
    """What of a run's folder is not as it must be, in words.

    Args:
        folder: Of the run, with `samples.jsonl` and `quarantine.jsonl`.
        expected: From `account`.
    """
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    seen = [((row["epoch"], row["step"]), row["keys"]) for row in rows]
    wrong = list[str]()
    if seen != list(expected.seen.items()):
        wrong.append("other samples were seen than the plan and the list of bad ones say")
    lines = (folder / "quarantine.jsonl").read_text().splitlines()
    listed = [(row["key"], row["reason"]) for row in map(json.loads, lines)]
    if sorted(listed) != sorted(expected.listed.items()):
        wrong.append(f"the quarantine holds {set(listed) ^ set(expected.listed.items())}")
    bad = [key for key, _ in listed]
    for epoch, tail in enumerate(expected.tails):
        keys = [key for (own, _), batch in seen if own == epoch for key in batch]
        wrong += [f"epoch {epoch}: {text}" for text in _not_all(keys, bad, tail, expected.size)]
    return wrong


def _not_all(seen: Sequence[str], bad: Sequence[str], tail: Set[str], size: int) -> Iterator[str]:
    """Why what a run has seen and listed, and the tail, are not all samples, if they are not.

    The tail is what no batch asks for; a good sample of it may still stand for a bad one.

    Args:
        seen: Keys in `samples.jsonl`, of an epoch.
        bad: Keys in `quarantine.jsonl`.
        tail: Keys of the tail.
        size: Samples of the shard set.
    """
    if both := set(seen) & set(bad):
        yield f"{sorted(both)} are seen and in quarantine"
    asked, left_out = set(seen) - tail, set(bad) - tail
    if len(asked) + len(left_out) + len(tail) != size:
        counts = f"{len(asked)} seen + {len(left_out)} in quarantine + {len(tail)} in the tail"
        yield f"{counts} are not {size}"
    if len(seen) + len(tail) != size or len(tail) != size % BATCH:
        yield f"{len(seen)} places in batches and {len(tail)} in the tail are not {size}"
