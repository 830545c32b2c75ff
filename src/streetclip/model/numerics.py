"""Steps that were skipped because their gradient was not finite, and when to give up."""

import logging
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from streetclip.errors import NumericsError

_log = logging.getLogger(__name__)

PATIENCE = 3
"""Steps with a non-finite gradient in a row that end a run."""

SEARCH = 30
"""Steps in a row in which fp16 may look for its loss scale: halved so often, 65,536 is 0.00006."""


class SkippedSteps:
    """Counts skipped steps in a row; one alone may be an unlucky batch, several are not.

    Example:
        >>> skipped = SkippedSteps()
        >>> skipped.skip("step 7, keys a, b")
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

    def skip(self, what: str) -> None:
        """One more step was skipped.

        Args:
            what: The step, for the message.

        Raises:
            NumericsError: It was the third in a row.
        """
        self.in_a_row += 1
        if self.in_a_row >= PATIENCE:
            raise NumericsError(
                f"{PATIENCE} steps in a row were skipped, as the gradient is not finite: {what}; "
                "lower optim.lr, or train in bf16-mixed or 32-true"
            )
        _log.warning("step skipped, as the gradient is not finite: %s", what)

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


def name_batch(epoch: int, step: int, keys: Sequence[str], *, shown: int = 8) -> str:
    """A batch in words, with its first keys.

    Example:
        >>> name_batch(0, 3, ["a", "b", "c"], shown=2)
        'epoch 0, step 3, keys a, b and 1 more'
    """
    more = f" and {len(keys) - shown} more" if len(keys) > shown else ""
    return f"epoch {epoch}, step {step}, keys {', '.join(keys[:shown])}{more}"


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
