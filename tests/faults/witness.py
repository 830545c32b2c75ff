"""What every rank sees, not only rank 0 which writes the logs."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch


@dataclass
class Witness(pl.Callback):
    """Writes a line a step on every rank: place, keys, and what became of the weights.

    Args:
        folder: For a file a rank.
    """

    folder: Path

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Note the step."""
        weights = [parameter.detach() for parameter in pl_module.parameters()]
        digest = hashlib.sha256(b"".join(weight.numpy().tobytes() for weight in weights))
        line = {
            "epoch": batch["epoch"],
            "step": batch["step"],
            "keys": batch["keys"],
            "weights": digest.hexdigest(),
            "finite": all(bool(torch.isfinite(weight).all()) for weight in weights),
        }
        with (self.folder / f"rank{trainer.global_rank}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


def seen(folder: Path, rank: int) -> list[dict[str, Any]]:
    """The lines of a rank, in order."""
    file = folder / f"rank{rank}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
