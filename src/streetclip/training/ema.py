"""Averaged weights: Lightning's EMA callback, placed rightly, and the weights a checkpoint exports.

With `EMAWeightAveraging` a checkpoint's `state_dict` holds the averages (the weights being trained
are beside it), but Lightning puts the averages into the model only around its validation loop and
at the end of training. Whoever evaluates at another moment asks `exported_weights`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch.optim.swa_utils import AveragedModel


class Ema(EMAWeightAveraging):
    """An exponential moving average of the weights, updated after each optimiser step.

    Lightning makes the averaged model in `setup`, before the model has moved to its device, so that
    on a GPU every update would copy all weights to the CPU; here it is made on the right device.
    Buffers (the statistics of batch normalisation, constants) are copied, not averaged. Weights
    that do not move (of locked towers, below LoRA) keep their bits: the average goes a share of the
    way to the weight, and does not add two rounded shares of both, as Lightning has it do.

    Args:
        decay: Share of the average that a step keeps, below 1.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(decay=decay, use_buffers=False)
        self.decay = decay
        self._ended = False
        self._is_begun: bool | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make the averaged model where the trained one will be."""
        self._device = trainer.strategy.root_device
        self._ended, self._is_begun = False, None
        super().setup(trainer, pl_module, stage)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Take the weights of a new step into the averages, on their device."""
        taken = trainer.global_step
        if self._average_model is None or taken <= self._latest_update_step:
            return
        if self.should_update(step_idx=taken - 1):
            self._update(self._average_model, pl_module)
            self._latest_update_step = taken

    @torch.no_grad()
    def _update(self, average: AveragedModel, module: pl.LightningModule) -> None:
        if self._is_begun is None:  # Once in a run: the device knows whether it was resumed.
            self._is_begun = bool(average.n_averaged > 0)
        weights = [parameter.detach() for parameter in module.parameters()]
        averages = [parameter.detach() for parameter in average.module.parameters()]
        if self._is_begun:
            torch._foreach_lerp_(averages, weights, 1 - self.decay)
        else:
            torch._foreach_copy_(averages, weights)
        self._is_begun = True
        for kept, buffer in zip(average.module.buffers(), module.buffers(), strict=True):
            kept.copy_(buffer)
        average.n_averaged += 1

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the averages into the model, which then is what its last checkpoint exports."""
        super().on_train_end(trainer, pl_module)
        self._ended = True

    def averaged(self, module: pl.LightningModule) -> pl.LightningModule:
        """The model with the averaged weights; `module` itself once training has ended."""
        if self._average_model is None or self._ended:
            return module
        return cast(pl.LightningModule, self._average_model.module)


@contextmanager
def exported_weights(
    trainer: pl.Trainer, module: pl.LightningModule
) -> Iterator[pl.LightningModule]:
    """A model in evaluation mode with the weights that a checkpoint of this moment would export.

    Args:
        trainer: Its callbacks say whether weights are averaged.
        module: The model being trained; it is left in the mode in which it was found, submodule by
            submodule.

    Yields:
        `module`, or the averaged copy of it.
    """
    callbacks = trainer.callbacks  # type: ignore[attr-defined] # set by the callback connector
    average = next((c for c in callbacks if isinstance(c, Ema)), None)
    chosen = module if average is None else average.averaged(module)
    modes = {part: part.training for part in chosen.modules()}
    chosen.eval()
    try:
        yield chosen
    finally:
        for part, training in modes.items():
            part.training = training
