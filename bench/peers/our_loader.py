"""Our side of `loader.py`: the loader that `streetclip pretrain` trains from."""

import argparse
import itertools
from pathlib import Path
from typing import Any

import torch
from peers.contestant import answer
from peers.spent import measured, memory_mib

from streetclip.captions.template import load_template
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.model.tokenize import Tokenize
from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import is_shard_set, open_shard_set
from streetclip.shards.read import ShardReader


def data(tars: Path, *, size: int, batch_size: int, workers: int) -> StreetclipDataModule:
    """The training data of a folder of tars, in planned order."""
    known = is_shard_set(tars)
    return StreetclipDataModule(
        open_shard_set(tars, split="train") if known else index_shards(tars),
        preprocess=Preprocess(size, size, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        tokenize=Tokenize(77),
        template=load_template("street"),
        batch_size=batch_size,
        workers=workers,
    )


def planned_keys(module: StreetclipDataModule) -> list[list[str]]:
    """What the plan says that an epoch's batches hold."""
    assert module.shard_set is not None
    reader, plan = ShardReader(module.shard_set), module.plan
    return [
        [reader.key(shard, sample) for shard, sample in plan.positions(0, step).tolist()]
        for step in range(plan.steps_per_epoch)
    ]


def main() -> None:
    """Answer: `epoch`, `memory` as the peer; `order` whether an epoch's batches are the plan's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tars", type=Path)
    parser.add_argument("--size", type=int, default=336)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--memory-batches", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    before = memory_mib()
    module = data(
        chosen.tars, size=chosen.size, batch_size=chosen.batch_size, workers=chosen.workers
    )
    batches = module.train_dataloader()

    def epoch() -> dict[str, float]:
        counted: list[int] = []
        spent = measured(lambda: counted.extend(len(batch["image"]) for batch in batches))
        return {**spent, "photos": sum(counted)}

    def memory() -> dict[str, float]:
        held = [memory_mib() for _ in itertools.islice(batches, chosen.memory_batches)]
        return {"grown_mib": max(held) - before}

    def order() -> dict[str, Any]:
        return {"is_plan": [batch["keys"] for batch in batches] == planned_keys(module)}

    answer({"epoch": epoch, "memory": memory, "order": order})


if __name__ == "__main__":
    main()
