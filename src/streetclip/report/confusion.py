"""Which countries are taken for which."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from streetclip.report.answers import Answers, country_name
from streetclip.report.by_country import median_of

# Shares of a row from which a cell is one step darker.
STEPS = (0.0, 0.05, 0.2, 0.4, 0.7)


@dataclass(frozen=True, slots=True)
class Mixup:
    """One country answered for another.

    Args:
        true: Name of the country where the photographs were taken.
        predicted: Name of the country that was answered.
        n: How many photographs.
        share: Of the photographs of the true country, 0 to 1.
        median_km: Middle error of these photographs; None where nobody knows it.
    """

    true: str
    predicted: str
    n: int
    share: float
    median_km: float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of the matrix.

    Args:
        n: Photographs.
        share: Of its row, 0 to 1.
        same: Whether the answer is right.
    """

    n: int
    share: float
    same: bool

    @property
    def step(self) -> int:
        """How dark it is: 0 for an empty field, up to the number of `STEPS`."""
        return 0 if self.n == 0 else sum(self.share >= step for step in STEPS)


@dataclass(frozen=True, slots=True)
class Matrix:
    """True countries as rows, answered countries as columns, and one column for all others.

    Args:
        names: Of the countries, as rows and as columns.
        rows: One a country; the last field counts the answers in no country of `names`.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def mixups(answers: Answers, *, most: int = 15) -> list[Mixup]:
    """The most frequent wrong countries.

    Args:
        answers: Of a result.
        most: How many at most.

    Returns:
        The most frequent first; photographs without a known country do not count.
    """
    wrong: dict[tuple[str, str], list[int]] = {}
    for row in np.flatnonzero(answers.known & ~answers.right).tolist():
        pair = (
            country_name(answers.true_country[row]),
            country_name(answers.predicted_country[row]),
        )
        wrong.setdefault(pair, []).append(row)
    totals = Counter(country_name(code) for code in answers.true_country if code is not None)
    order = sorted(wrong, key=lambda pair: (-len(wrong[pair]), pair))[:most]
    return [
        Mixup(
            true,
            predicted,
            len(wrong[true, predicted]),
            len(wrong[true, predicted]) / totals[true],
            median_of(answers.distance_km[wrong[true, predicted]]),
        )
        for true, predicted in order
    ]


def matrix(answers: Answers, *, most: int = 10) -> Matrix:
    """Countries with the most photographs against each other.

    Args:
        answers: Of a result.
        most: How many countries at most.

    Returns:
        The matrix; no rows where no country is known.
    """
    known = [
        (country_name(true), country_name(true if right else predicted))
        for true, predicted, right in zip(
            answers.true_country, answers.predicted_country, answers.right.tolist(), strict=True
        )
        if true is not None
    ]
    totals = Counter(true for true, _ in known)
    names = tuple(sorted(totals, key=lambda name: (-totals[name], name))[:most])
    pairs = Counter(known)
    return Matrix(names, tuple(_row(name, names, totals, pairs) for name in names))


def _row(
    true: str, names: tuple[str, ...], totals: Counter[str], pairs: Counter[tuple[str, str]]
) -> tuple[Cell, ...]:
    counts = [pairs[true, name] for name in names]
    counts.append(totals[true] - sum(counts))
    same = [name == true for name in names] + [False]
    return tuple(Cell(n, n / totals[true], right) for n, right in zip(counts, same, strict=True))
