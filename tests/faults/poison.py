"""A number that is not finite, in one rank's part of a step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from streetclip.model.loss import Contrast
from streetclip.model.module import StreetclipModule

KINDS = ("image", "loss", "gradient", "weight")


@dataclass
class Poison(pl.Callback):
    """Puts a number into one rank.

    Args:
        kind: `image` (a pixel of its batch), `loss`, `gradient` (of one parameter, before ranks
            average it) or `weight` (of its copy of the model, which stays there).
        rank: Which.
        steps: Optimizer steps taken when it happens.
        value: Such as NaN.
    """

    kind: str
    rank: int
    steps: Sequence[int]
    value: float = float("nan")
    _now: bool = False

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put hooks where the number will come from."""
        assert isinstance(pl_module, StreetclipModule)
        if self.kind == "loss":
            pl_module.loss.register_forward_hook(self._poison_loss)
        if self.kind == "gradient":
            weight: Any = _a_parameter(pl_module)  # torch does not say what its hooks take
            weight.register_hook(self._poison_gradient)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """See whether it is time, and poison what is there before the step."""
        self._now = trainer.global_rank == self.rank and trainer.global_step in self.steps
        if self._now and self.kind == "image":
            batch["image"] = batch["image"].float().div(255)
            batch["image"][0, 0, 0, 0] = self.value
        if self._now and self.kind == "weight":
            with torch.no_grad():
                _a_parameter(pl_module).view(-1)[0] = self.value

    def _poison_loss(self, module: Any, arguments: Any, contrast: Contrast) -> Contrast:
        return replace(contrast, loss=contrast.loss * self.value) if self._now else contrast

    def _poison_gradient(self, gradient: Tensor) -> Tensor:
        return gradient * self.value if self._now else gradient


def _a_parameter(module: pl.LightningModule) -> torch.nn.Parameter:
    return next(p for p in module.parameters() if p.requires_grad and p.ndim > 1)
