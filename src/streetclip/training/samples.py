"""A record of every batch: which samples it had and which captions they got."""

import json
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from streetclip.data.side_channel import SideChannel
from streetclip.training.durable import LineLog

SAMPLES_NAME = "samples.jsonl"


class SampleLog(pl.Callback):
    """Writes `samples.jsonl`: a line a step with the keys and captions of the global batch.

    Ranks hold consecutive lanes of the plan, so their parts in the order of ranks are the global
    batch, the same on any number of ranks.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.lines = LineLog(folder / SAMPLES_NAME)
        self._ranks = SideChannel()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Gather the parts of all ranks and write the line."""
        parts = self._ranks.gather({"keys": batch["keys"], "captions": batch["captions"]})
        if trainer.is_global_zero:
            line = {"epoch": batch["epoch"], "step": batch["step"]}
            line |= {name: [v for part in parts for v in part[name]] for name in parts[0]}
            self.lines.append(json.dumps(line, ensure_ascii=False))
