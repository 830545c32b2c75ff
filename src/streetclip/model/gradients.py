"""The gradient of a step before the optimizer takes it: clipped, or dropped if it is not finite."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from streetclip.data.side_channel import SideChannel
from streetclip.model.numerics import SkippedBatch, SkippedSteps, not_finite
from streetclip.model.statistics import Statistics

Encoder = Callable[[], Iterable[tuple[slice, Tensor, Tensor]]]
"""Gives rows of a batch pass by pass, with their image and text features."""


class GradientGuard:
    """Clips gradients, drops those that are not finite, and ends a run of many such steps.

    `settle` comes before the optimizer's step, `judge` after it.

    Args:
        ranks: Tells keys of photographs to all ranks.
    """

    def __init__(self, ranks: SideChannel) -> None:
        self.norm = torch.tensor(0.0)
        """Of the newest gradient, before it was clipped."""
        self.skipped = SkippedSteps()
        self._ranks = ranks

    def settle(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        clip_norm: float | None,
        statistics: Statistics,
    ) -> None:
        """Clip the gradient, or drop it, and what else the passes left, where it is not finite.

        An optimizer without gradients changes nothing, and its step still counts.

        Args:
            parameters: Of the optimizer; their gradients are averaged over ranks and unscaled, so
                that every rank decides alike.
            clip_norm: Largest norm; None does not clip.
            statistics: Of the model, as they were before the step.
        """
        trained = [parameter for parameter in parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm([cast(Tensor, p.grad) for p in trained])
        self.norm = norm.detach()
        if not norm.isfinite():
            statistics.restore()
            for parameter in trained:
                parameter.grad = None
        elif clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(trained, clip_norm, norm)

    def judge(
        self,
        batch: Mapping[str, Any],
        loss: Tensor,
        *,
        encode: Encoder,
        searches_scale: bool,
        folder: Path | None,
    ) -> None:
        """Count the step if it was skipped, and give up at the third in a row.

        Args:
            batch: This rank's share, with `keys`, `epoch` and `step`.
            loss: Of the global batch.
            encode: Runs the batch through the towers, to find who is not finite by itself.
            searches_scale: Precision is fp16, whose loss scale starts too high: with a finite loss,
                overflows are how it finds its place.
            folder: Of the run; None where another rank writes into it.

        Raises:
            NumericsError: One skipped step too many.
        """
        if self.norm.isfinite():
            self.skipped.reset()
            return
        keys, alone = list(batch["keys"]), list[str]()
        epoch, step = int(batch["epoch"]), int(batch["step"])
        if searches_scale and bool(loss.isfinite()):
            self.skipped.search(f"epoch {epoch}, step {step}")
            return
        if self.skipped.is_last:
            keys, alone = map(self._of_all_ranks, (keys, _culprits(keys, encode)))
        self.skipped.skip(SkippedBatch(epoch, step, loss.item(), keys, alone), folder)

    def _of_all_ranks(self, keys: list[str]) -> list[str]:
        return list(chain(*self._ranks.gather(keys)))


@torch.no_grad()
def _culprits(keys: list[str], encode: Encoder) -> list[str]:
    """Those of this rank's pairs that are not finite without the others of the batch."""
    found = [not_finite(keys[part], image, text) for part, image, text in encode()]
    return list(chain(*found))
