"""How well each country is known: one row a true country."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from streetclip.report.answers import Answers, country_name

# The quantile of the normal distribution that leaves 2.5 % above it.
_Z = 1.959963984540054
# Of fewer photographs a share says little; the map and the table mark such countries.
FEW = 5


@dataclass(frozen=True, slots=True)
class CountryRow:
    """What was answered for the photographs of one country.

    Args:
        code: ISO code.
        name: As a reader calls it.
        n: Photographs.
        accuracy: Share whose country was answered rightly, 0 to 1.
        low: Lower end of the 95 % interval of `accuracy`.
        high: Upper end.
        median_km: Middle error; None where nobody knows where any of them was taken.
        instead: The country that was wrongly answered most often, or "" where none was.
        instead_n: How often.
    """

    code: str
    name: str
    n: int
    accuracy: float
    low: float
    high: float
    median_km: float | None
    instead: str
    instead_n: int

    @property
    def few(self) -> bool:
        """Whether there are too few photographs to say much."""
        return self.n < FEW


def country_rows(answers: Answers) -> list[CountryRow]:
    """One row a country that has photographs, the one with the most photographs first.

    Args:
        answers: Of a result; photographs without a known country do not count.

    Returns:
        The rows.
    """
    rows = []
    for code, members in answers.by_country().items():
        right = int(answers.right[members].sum())
        low, high = wilson(right, len(members))
        wrong = Counter(
            country_name(answers.predicted_country[row])
            for row in members.tolist()
            if not answers.right[row]
        )
        instead, count = min(wrong.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        rows.append(
            CountryRow(
                code=code,
                name=country_name(code),
                n=len(members),
                accuracy=right / len(members),
                low=low,
                high=high,
                median_km=median_of(answers.distance_km[members]),
                instead=instead,
                instead_n=count,
            )
        )
    return sorted(rows, key=lambda row: (-row.n, row.name))


def median_of(distance_km: Float64[np.ndarray, " k"]) -> float | None:
    """The middle error.

    Args:
        distance_km: Errors; NaN where there is none.

    Returns:
        Kilometers; None where there is no error.

    Example:
        >>> median_of(np.array([4.0, np.nan, 2.0])), median_of(np.array([np.nan]))
        (3.0, None)
    """
    known = distance_km[~np.isnan(distance_km)]
    return float(np.median(known)) if len(known) else None


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, also of few photographs and of shares of 0 and 1.

    Args:
        hits: Photographs that count as right.
        n: Photographs, at least 1.

    Returns:
        Lower and upper end, 0 to 1.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
        Journal of the American Statistical Association 22 (1927).

    Example:
        >>> [round(end, 3) for end in wilson(8, 10)]
        [0.49, 0.943]
    """
    share, square = hits / n, _Z * _Z
    middle = share + square / (2 * n)
    half = _Z * float(np.sqrt(share * (1 - share) / n + square / (4 * n * n)))
    scale = 1 + square / n
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)
