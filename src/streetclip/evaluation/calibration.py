"""Whether a country's probability means what it says, and what abstaining would buy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Photographs whose answers have similar probabilities.

    Args:
        low: Lower end of the bin's probabilities.
        high: Upper end.
        n: Photographs of the bin.
        confidence: The mean probability of their answers; None where the bin is empty.
        accuracy: The share of right countries among them; None where the bin is empty.
    """

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """What is answered, and how well, when only probable answers are given.

    Args:
        coverage: The share of photographs that are answered.
        accuracy: The share of right countries among these.
        threshold: The least probability of a country that is answered.
    """

    coverage: float
    accuracy: float
    threshold: float
