"""The columns of a table of predictions that figures are drawn from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64

from streetclip.geo.countries import countries


@dataclass(frozen=True)
class Answers:
    """What is true and what was answered for n photographs, in the order of the set.

    Args:
        table: With the columns of `evaluation.predictions.SCHEMA`.

    Example:
        >>> row = {"distance_km": 3.0, "true_country": "FR", "predicted_country": "DE"}
        >>> answers = Answers(pa.Table.from_pylist([row]))
        >>> len(answers), answers.distance_km.tolist(), answers.right.tolist()
        (1, [3.0], [False])
    """

    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def distance_km(self) -> Float64[np.ndarray, " n"]:
        """Errors; NaN where nobody knows where the photograph was taken."""
        return self._numbers("distance_km")

    @cached_property
    def true_latlon(self) -> Float64[np.ndarray, "n 2"]:
        """Where the photographs were taken, latitude and longitude in degrees; NaN if unknown."""
        return np.stack([self._numbers(f"true_{axis}") for axis in _AXES], axis=1)

    @cached_property
    def predicted_latlon(self) -> Float64[np.ndarray, "n 2"]:
        """What was answered, latitude and longitude in degrees."""
        return np.stack([self._numbers(f"predicted_{axis}") for axis in _AXES], axis=1)

    @cached_property
    def true_country(self) -> list[str | None]:
        """ISO codes, None where nobody knows."""
        return list(self.table["true_country"].to_pylist())

    @cached_property
    def predicted_country(self) -> list[str | None]:
        """ISO codes."""
        return list(self.table["predicted_country"].to_pylist())

    @cached_property
    def known(self) -> Bool[np.ndarray, " n"]:
        """Whose country is known; only these count where countries are compared."""
        return np.array([code is not None for code in self.true_country], dtype=bool)

    @cached_property
    def right(self) -> Bool[np.ndarray, " n"]:
        """Whose country was answered rightly; false where the country is unknown."""
        pairs = zip(self.true_country, self.predicted_country, strict=True)
        return np.array(
            [a is not None and a.casefold() == (b or "").casefold() for a, b in pairs], dtype=bool
        )

    def reachable_km(self, column: str) -> Float64[np.ndarray, " k"]:
        """A column of least possible errors that not every table has.

        Args:
            column: Its name.

        Returns:
            Kilometers; infinite for a photograph whose country is not asked and that has no value
            therefore, and without those of which nobody knows. None where no photograph has any.
        """
        if column not in self.table.column_names:
            return np.empty(0)
        values = self._numbers(column)
        missing = np.isnan(values)
        if missing.all():
            return np.empty(0)
        asked = self.table["country_asked"].to_pylist()
        values[missing & np.array([answer is False for answer in asked], dtype=bool)] = np.inf
        return np.asarray(values[~np.isnan(values)])

    def worst(self, count: int) -> Int64[np.ndarray, " k"]:
        """The photographs with the largest errors.

        Args:
            count: How many at most.

        Returns:
            Row numbers, the worst first; of equal errors the earlier photograph comes first, and
            those without an error are left out.
        """
        known = int(np.count_nonzero(~np.isnan(self.distance_km)))
        return np.argsort(-self.distance_km, kind="stable")[: min(count, known)].astype(np.int64)

    def by_country(self) -> dict[str, Int64[np.ndarray, " _"]]:
        """The photographs of each true country.

        Returns:
            ISO code to row numbers, in the order of the codes.
        """
        rows: dict[str, list[int]] = {}
        for row, code in enumerate(self.true_country):
            if code is not None:
                rows.setdefault(code, []).append(row)
        return {code: np.array(rows[code], dtype=np.int64) for code in sorted(rows)}

    def _numbers(self, column: str) -> Float64[np.ndarray, " n"]:
        return np.array(self.table[column].to_pylist(), dtype=np.float64)


_AXES = ("latitude", "longitude")


def country_name(code: str | None) -> str:
    """What a reader calls a country.

    Args:
        code: ISO code; others are shown as they are.

    Example:
        >>> country_name("FR"), country_name("?!"), country_name(None)
        ('France', '?!', 'unknown')
    """
    if code is None:
        return "unknown"
    country = countries().get(code)
    return code if country is None else country.name
