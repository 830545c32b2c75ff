"""How long to wait and how often to try."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """Limits of one transfer.

    Args:
        timeout_s: Longest wait for a connection, and for each further byte, seconds.
        tries: How often to try, 1 or more.
        pause_s: Pause after the first failure, seconds; it doubles with each further one.
        longest_pause_s: Longest pause, seconds.
    """

    timeout_s: float = 30.0
    tries: int = 6
    pause_s: float = 0.5
    longest_pause_s: float = 30.0

    def pause_after(self, failures: int, *, asked_s: float = 0.0) -> float:
        """How long to wait before the next try.

        Args:
            failures: Tries that have failed, 1 or more.
            asked_s: How long the server asks to wait, seconds.

        Returns:
            Seconds; half of a pause is left to chance, so that many readers do not come back at
            the same moment.

        Example:
            >>> Effort(pause_s=1.0, longest_pause_s=1.0).pause_after(9, asked_s=60.0)
            1.0
        """
        longest = min(self.pause_s * 2.0 ** min(failures - 1, 30), self.longest_pause_s)
        pause = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads tries, guards no secret
        return max(pause, min(asked_s, self.longest_pause_s))
