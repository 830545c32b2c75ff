"""Where every sample of an epoch went, worked out from the plan and from what is bad."""

import json
from collections.abc import Mapping
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
        mistakes: Epochs whose samples do not add up.
    """

    seen: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def account(shards: ShardSet, bad: Mapping[str, str], epochs: int) -> Account:
    """Follow the plan of a tiny run by hand.

    Args:
        shards: Its shard set.
        bad: Keys that training must refuse, and why.
        epochs: Of the run.
    """
    plan = Plan(shards.samples_per_shard, batch_size=BATCH, window=WINDOW, seed=SEED)
    reader, found = ShardReader(shards), Account()
    for epoch in range(epochs):
        own = replaced = 0
        for step in range(plan.steps_per_epoch):
            keys = found.seen.setdefault((epoch, step), [])
            for shard, sample in plan.positions(epoch, step).tolist():
                count, offset = plan.samples_in(shard), 0
                while (key := reader.key(shard, (sample + offset) % count)) in bad:
                    found.listed[key] = bad[key]
                    offset += 1
                keys.append(key)
                own, replaced = own + (offset == 0), replaced + (offset > 0)
        if own + replaced + plan.tail != len(shards):
            found.mistakes.append(f"epoch {epoch}: {own} + {replaced} + {plan.tail}")
    return found


def mistakes(folder: Path, expected: Account) -> list[str]:
    """What of a run's folder is not as it must be, in words.

    Args:
        folder: Of the run, with `samples.jsonl` and `quarantine.jsonl`.
        expected: From `account`.
    """
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    seen = [((row["epoch"], row["step"]), row["keys"]) for row in rows]
    wrong = list(expected.mistakes)
    if seen != list(expected.seen.items()):
        wrong.append("other samples were seen than the plan and the list of bad ones say")
    lines = (folder / "quarantine.jsonl").read_text().splitlines()
    listed = [(row["key"], row["reason"]) for row in map(json.loads, lines)]
    if sorted(listed) != sorted(expected.listed.items()):
        wrong.append(f"the quarantine holds {set(listed) ^ set(expected.listed.items())}")
    return wrong
