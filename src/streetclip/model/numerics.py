"""Steps that were skipped because their gradient was not finite, and when to give up."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from streetclip.errors import NumericsError

_log = logging.getLogger(__name__)

PATIENCE = 3
"""Steps with a non-finite gradient in a row that end a run."""

SEARCH = 30
"""Steps in a row in which fp16 may look for its loss scale: halved so often, 65,536 is 0.00006."""

SHOWN = 64
"""Keys that a message names; a batch may have tens of thousands."""

NOT_FINITE_NAME = "not_finite.json"
"""Where the run folder names all of the batch that ended it."""


@dataclass(frozen=True)
class SkippedBatch:
    """A global batch whose gradient is not finite, in words and as a file.

    Args:
        epoch: Of the plan.
        step: In that epoch.
        loss: Of the step.
        keys: Of its samples.
        alone: Those whose own features are not finite.

    Example:
        >>> print(SkippedBatch(0, 3, float('nan'), ["a", "b", "c"], ["b"]))
        loss nan, epoch 0, step 3, keys a, b, c; not finite by themselves: b
        >>> str(SkippedBatch(0, 3, 2.5, [str(number) for number in range(32_768)]))[-25:]
        '61, 62, 63 and 32704 more'
    """

    epoch: int
    step: int
    loss: float
    keys: Sequence[str]
    alone: Sequence[str] = ()

    def __str__(self) -> str:
        alone = f"; not finite by themselves: {_some(self.alone)}" if self.alone else ""
        where = f"loss {self.loss}, epoch {self.epoch}, step {self.step}"
        return f"{where}, keys {_some(self.keys)}{alone}"

    def write(self, folder: Path) -> None:
        """Write all keys, which may be too many for a message, to `not_finite.json`.

        Args:
            folder: Of the run.
        """
        content = {**asdict(self), "loss": str(self.loss)}  # JSON knows no NaN
        text = json.dumps(content, ensure_ascii=False, indent=0)
        (folder / NOT_FINITE_NAME).write_text(f"{text}\n", encoding="utf-8")


class SkippedSteps:
    """Counts skipped steps in a row; one alone may be an unlucky batch, several are not.

    Example:
        >>> skipped = SkippedSteps()
        >>> skipped.skip(SkippedBatch(0, 7, float('nan'), ["a", "b"]))
        >>> skipped.in_a_row
        1
    """

    def __init__(self) -> None:
        self.in_a_row = 0
        self._searched = 0

    @property
    def is_last(self) -> bool:
        """Whether one more skipped step ends the run."""
        return self.in_a_row + 1 >= PATIENCE

    def skip(self, batch: SkippedBatch, folder: Path | None = None) -> None:
        """One more step was skipped.

        Args:
            batch: Of the step; of all ranks where it is the last one.
            folder: Of the run, for a file that names the last batch; None where another rank
                writes it.

        Raises:
            NumericsError: It was the third in a row.
        """
        self.in_a_row += 1
        if self.in_a_row < PATIENCE:
            _log.warning("step skipped, as the gradient is not finite: %s", batch)
            return
        if folder is not None:
            batch.write(folder)
        raise NumericsError(
            f"{PATIENCE} steps in a row were skipped, as the gradient is not finite: {batch}; "
            f"{NOT_FINITE_NAME} in the run's folder names the whole batch; "
            "lower optim.lr, or train in bf16-mixed or 32-true"
        )

    def search(self, what: str) -> None:
        """One more step in which a finite loss has overflowed in fp16, and its scale was halved.

        Args:
            what: The step, for the message.

        Raises:
            NumericsError: The search has found nothing: the gradient itself is not finite.
        """
        self.in_a_row = 0
        self._searched += 1
        if self._searched > SEARCH:
            raise NumericsError(
                f"{self._searched} steps in a row have overflowed in fp16, at whatever loss scale: "
                f"{what}; train in bf16-mixed or 32-true"
            )

    def reset(self) -> None:
        """A step was taken."""
        self.in_a_row = self._searched = 0


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{', '.join(keys[:SHOWN])}{more}"


def not_finite(keys: Sequence[str], *features: Float[Tensor, "b d"]) -> list[str]:
    """The keys whose own features hold a number that is not finite.

    Args:
        keys: One a row.
        features: Of photographs, or of captions.

    Example:
        >>> import torch
        >>> not_finite(["a", "b"], torch.tensor([[1.0], [torch.nan]]))
        ['b']
    """
    whole = [feature.isfinite().all(dim=1).tolist() for feature in features]
    return [key for key, *rows in zip(keys, *whole, strict=True) if not all(rows)]
