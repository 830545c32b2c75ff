"""What became of injected faults, as numbers that add up."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tally:
    """Faults, and what they did.

    Args:
        injected: Faults.
        survived: Faults after which everything was as it must be.
        lost: Samples of a step that a disturbed run has not seen.
        repeated: Samples of a step that it has seen too often.
        differing: Rows of logs and tensors of the last checkpoint with other bits.
        kills: Faults that were killed processes or signals.
        seconds: Wall time.
        failures: What did not survive, and why.
        notes: What could not be injected on this machine, in sentences.
    """

    injected: int = 0
    survived: int = 0
    lost: int = 0
    repeated: int = 0
    differing: int = 0
    kills: int = 0
    seconds: float = 0.0
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether there were faults, and all of them were survived without a trace."""
        traces = self.lost + self.repeated + self.differing + len(self.failures)
        return 0 < self.injected == self.survived and traces == 0


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies.

    Example:
        >>> total([Tally(injected=1, survived=1), Tally(injected=2, failures=("a",))])
        Tally(injected=3, survived=1, lost=0, repeated=0, differing=0, kills=0, seconds=0.0, \
failures=('a',), notes=())
    """
    rows = list(tallies)
    return Tally(
        injected=sum(row.injected for row in rows),
        survived=sum(row.survived for row in rows),
        lost=sum(row.lost for row in rows),
        repeated=sum(row.repeated for row in rows),
        differing=sum(row.differing for row in rows),
        kills=sum(row.kills for row in rows),
        seconds=sum(row.seconds for row in rows),
        failures=tuple(failure for row in rows for failure in row.failures),
        notes=tuple(dict.fromkeys(note for row in rows for note in row.notes)),
    )
