"""Our side of `trainer.py`: an epoch of the trainer that `streetclip pretrain` puts together."""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities import disable_possible_user_warnings
from peers.contestant import answer
from peers.spent import measured
from torch.nn.functional import pad

from streetclip.build.model import training_module
from streetclip.build.trainer import make_trainer
from streetclip.captions.template import load_template
from streetclip.config.schema import Experiment
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.model.backbone import create_backbone
from streetclip.shards.index import index_shards
from streetclip.shards.layout import is_shard_set, open_shard_set
from streetclip.training.run_folder import RunFolder
from streetclip.zeroshot.protocol import load_protocol


class InMemory:
    """Batches as a loader; a list of them would be several loaders to Lightning."""

    def __init__(self, batches: tuple[Any, ...]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


class Kept(StreetclipDataModule):
    """The same data with an epoch's batches in memory, their ids padded to the whole context."""

    batches: tuple[Any, ...] = ()

    def keep(self, context: int) -> None:
        """Make the batches."""
        self.batches = tuple(super().train_dataloader())
        for batch in self.batches:
            batch["tokens"] = pad(batch["tokens"], (0, context - batch["tokens"].shape[1]))

    def train_dataloader(self) -> Any:
        """The batches, or the loader where none are kept."""
        return InMemory(self.batches) if self.batches else super().train_dataloader()


def main() -> None:
    """Answer: `epoch` trains one epoch with logger, bar, checkpoint and the learning rate."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tars", type=Path)
    parser.add_argument("--photos", type=int)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--in-memory", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    disable_possible_user_warnings()
    options = Experiment()
    options.trainer.accelerator, options.trainer.devices = "cpu", "1"
    options.trainer.max_epochs, options.trainer.loggers = 1, ["csv"]
    options.checkpoint.monitor = "train/loss"
    tars = chosen.tars
    shards = open_shard_set(tars, split="train") if is_shard_set(tars) else index_shards(tars)
    backbone = create_backbone(str(chosen.model), seed=0)

    def data() -> Kept:
        return Kept(
            shards,
            preprocess=backbone.preprocess,
            tokenize=backbone.tokenize,
            template=load_template("street"),
            batch_size=chosen.batch_size,
        )

    kept = data()
    if chosen.in_memory:
        kept.keep(backbone.spec.context_length)

    def train() -> None:
        with tempfile.TemporaryDirectory() as folder:
            run = RunFolder.create(Path(folder), "bench", config="", fingerprint={})
            module = data()
            module.batches = kept.batches
            trainer = make_trainer(
                options,
                run,
                protocol=load_protocol("paper"),
                train=shards,
                sets={},
                fingerprint={},
                checkpoint=None,
            )
            trainer.fit(training_module(options, backbone), module)
            run.release()

    answer({"epoch": lambda: measured(train)})


if __name__ == "__main__":
    main()
