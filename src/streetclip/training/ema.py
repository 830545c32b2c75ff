"""Averaged weights: Lightning's EMA callback, placed rightly, and the weights a checkpoint exports.

With `EMAWeightAveraging` a checkpoint's `state_dict` holds the averages (the weights being trained
are beside it), but Lightning puts the averages into the model only around its validation loop and
at the end of training. Whoever evaluates at another moment asks `exported_weights`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import Tensor


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
        # Lightning 2.6.6 hands this on to torch's `AveragedModel`; its own takes no other function.
        self._kwargs["avg_fn"] = _toward(1 - decay)
        self.decay = decay
        self._ended = False

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Make the averaged model where the trained one will be."""
        self._device = trainer.strategy.root_device
        self._ended = False
        super().setup(trainer, pl_module, stage)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the averages into the model, which then is what its last checkpoint exports."""
        super().on_train_end(trainer, pl_module)
        self._ended = True

    def averaged(self, module: pl.LightningModule) -> pl.LightningModule:
        """The model with the averaged weights; `module` itself once training has ended."""
        if self._average_model is None or self._ended:
            return module
        return cast(pl.LightningModule, self._average_model.module)


def _toward(share: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    def average(averaged: Tensor, current: Tensor, _: Tensor | int) -> Tensor:
        return torch.lerp(averaged, current, share)

    return average


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
