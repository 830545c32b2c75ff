"""The gradient of a step before the optimizer takes it: clipped, or dropped if it is not finite.

The device decides by itself whether it takes a step: the fused optimizer gets the verdict as a
number on the device. The host hears of it a step later, when it costs no wait, unless the step may
be the one that ends the run.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from streetclip.data.side_channel import SideChannel
from streetclip.model.host import OnHost
from streetclip.model.numerics import SkippedBatch, SkippedSteps, not_finite
from streetclip.model.statistics import Statistics

Encoder = Callable[[], Iterable[tuple[slice, Tensor, Tensor]]]
"""Gives rows of a batch pass by pass, with their image and text features."""


@dataclass(frozen=True)
class _Verdict:
    """On a step, on its way to the host: whether its gradient was finite, and its loss."""

    numbers: OnHost
    epoch: int
    step: int
    keys: list[str]


class GradientGuard:
    """Clips gradients, drops those that are not finite, and ends a run of many such steps.

    `settle` comes before the optimizer's step, `judge` after it, and `finish` before anybody asks
    how many steps were skipped.

    Args:
        ranks: Tells keys of photographs to all ranks.
    """

    def __init__(self, ranks: SideChannel) -> None:
        self.norm = torch.tensor(0.0)
        """Of the newest gradient, before it was clipped."""
        self.skipped = SkippedSteps()
        """Up to the newest step that the host has heard of."""
        self._ranks = ranks
        self._verdict: _Verdict | None = None

    def settle(
        self,
        optimizer: Optimizer,
        *,
        clip_norm: float | None,
        statistics: Statistics,
    ) -> None:
        """Clip the gradient, or drop it, and what else the passes left, where it is not finite.

        A fused optimizer that is told `found_inf` on the device changes nothing, neither does one
        without gradients, and its step still counts.

        Args:
            optimizer: Gradients are averaged over ranks and unscaled, so that every rank decides
                alike.
            clip_norm: Largest norm; None does not clip.
            statistics: Of the model, as they were before the step.
        """
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        trained = [parameter for parameter in parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm([cast(Tensor, p.grad) for p in trained])
        self.norm = norm.detach()
        if all(group.get("fused") for group in optimizer.param_groups):
            is_bad = self.norm.isfinite().logical_not()
            statistics.restore_where(is_bad)
            cast(Any, optimizer).found_inf = is_bad.float()
            if clip_norm is not None:
                torch.nn.utils.clip_grads_with_norm_(trained, clip_norm, norm)
        elif not norm.isfinite():
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
        """Count the step if it was skipped, now or at the next call; give up at the third in a row.

        Only a step after two skipped ones is waited for at once, so that a run ends before another
        step is taken; and all are in fp16, where the scaler of the loss has waited already.

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
        self.finish()
        numbers = torch.stack([self.norm.isfinite().float(), loss.detach().float()])
        verdict = _Verdict(
            OnHost(numbers), int(batch["epoch"]), int(batch["step"]), list(batch["keys"])
        )
        if not (self.skipped.is_last or searches_scale):
            self._verdict = verdict
            return
        is_finite, value = verdict.numbers.read()
        if is_finite:
            self.skipped.reset()
        elif searches_scale and math.isfinite(value):
            self.skipped.search(f"epoch {verdict.epoch}, step {verdict.step}")
        else:
            keys, alone = verdict.keys, list[str]()
            if self.skipped.is_last:
                keys, alone = map(self._of_all_ranks, (keys, _culprits(keys, encode)))
            skipped = SkippedBatch(verdict.epoch, verdict.step, value, keys, alone)
            self.skipped.skip(skipped, folder)

    def finish(self) -> None:
        """Hear of the newest step, if that is still to come; it ends no run."""
        verdict, self._verdict = self._verdict, None
        if verdict is None:
            return
        is_finite, loss = verdict.numbers.read()
        if is_finite:
            self.skipped.reset()
        else:
            self.skipped.skip(SkippedBatch(verdict.epoch, verdict.step, loss, verdict.keys))

    def _of_all_ranks(self, keys: list[str]) -> list[str]:
        return list(chain(*self._ranks.gather(keys)))


@torch.no_grad()
def _culprits(keys: list[str], encode: Encoder) -> list[str]:
    """Those of this rank's pairs that are not finite without the others of the batch."""
    found = [not_finite(keys[part], image, text) for part, image, text in encode()]
    return list(chain(*found))
