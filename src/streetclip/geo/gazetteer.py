"""The towns of the world with region, coordinates and population."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float64, Int64, Shaped

from streetclip.errors import PlaceError
from streetclip.geo.columns import numbers, words
from streetclip.geo.countries import countries
from streetclip.geo.distance import haversine_km

_TABLE = Path(__file__).parent / "tables" / "gazetteer.parquet"


@dataclass(frozen=True)
class Gazetteer:
    """A table of towns, one row each; all arrays have the same length.

    Args:
        id: Identifier of the town in its source (GeoNames for the table of this package).
        name: Name in Latin letters, with accents; apostrophes are ASCII.
        country: ISO 3166-1 alpha-2 code.
        region: First-order administrative area in English, or "" where the source names none.
        latitude: Degrees north.
        longitude: Degrees east.
        population: Inhabitants, 0 where unknown.
        order: What stands first among towns of equal population; None is the identifier.
    """

    id: Int64[np.ndarray, " m"]
    name: Shaped[np.ndarray, " m"]
    country: Shaped[np.ndarray, " m"]
    region: Shaped[np.ndarray, " m"]
    latitude: Float64[np.ndarray, " m"]
    longitude: Float64[np.ndarray, " m"]
    population: Int64[np.ndarray, " m"]
    order: Int64[np.ndarray, " m"] | None = None

    def __len__(self) -> int:
        return len(self.id)

    @cached_property
    def latlon(self) -> Float64[np.ndarray, "m 2"]:
        """Latitude and longitude side by side, in degrees."""
        return np.stack([self.latitude, self.longitude], axis=1)

    def rows_of(self, code: str) -> Int64[np.ndarray, " k"]:
        """The towns of a country, most populous first.

        Args:
            code: ISO 3166-1 alpha-2 code.

        Returns:
            Row numbers; none for a country without towns, such as Antarctica.

        Raises:
            PlaceError: The code is no country's.
        """
        if code not in countries() and code not in self._rows:
            raise PlaceError(
                f"there is no country '{code}'",
                allowed="ISO 3166-1 alpha-2 codes in upper case, such as FR",
            )
        return self._rows.get(code, np.empty(0, dtype=np.int64))

    def regions_of(self, code: str) -> list[str]:
        """The regions of a country that have a town, that of the most populous town first.

        Args:
            code: ISO 3166-1 alpha-2 code.

        Returns:
            Names, each once; towns of no known region add none.

        Raises:
            PlaceError: The code is no country's.

        Example:
            >>> load_gazetteer().regions_of("AU")[:2]
            ['New South Wales', 'Victoria']
        """
        names = dict.fromkeys(self.region[self.rows_of(code)].tolist())
        return [str(name) for name in names if name]

    def largest(
        self,
        code: str,
        count: int,
        *,
        spacing_km: float = 0.0,
        unique_names: bool = True,
        region: str | None = None,
    ) -> Int64[np.ndarray, " k"]:
        """The most populous towns of a country, the first of those that crowd each other.

        Raw lists crowd: eight of the thirty most populous places of France are districts of
        Paris. Equal names of one list would make equal prompts.

        Args:
            code: ISO 3166-1 alpha-2 code.
            count: How many towns at most; a small country has fewer.
            spacing_km: A town nearer than this to a chosen one is passed over.
            unique_names: Whether a town whose name is taken is passed over.
            region: Only towns of this region; None takes all of the country.

        Returns:
            Row numbers, most populous first.

        Raises:
            PlaceError: The code is no country's.

        Example:
            >>> towns = load_gazetteer()
            >>> [str(towns.name[i]) for i in towns.largest("FR", 3, spacing_km=20.0)]
            ['Paris', 'Marseille', 'Lyon']
            >>> len(towns.largest("AQ", 3))
            0
        """
        rows = self.rows_of(code)
        if region is not None:
            rows = rows[self.region[rows] == region]
        chosen: list[int] = []
        taken: set[str] = set()
        crowded = np.zeros(len(rows), dtype=bool)
        for place, row in enumerate(rows.tolist()):
            if len(chosen) >= count:
                break
            name = self.name[row].casefold()
            if crowded[place] or (unique_names and name in taken):
                continue
            chosen.append(row)
            taken.add(name)
            if spacing_km > 0:
                crowded |= haversine_km(self.latlon[rows], self.latlon[row]) < spacing_km
        return np.array(chosen, dtype=np.int64)

    def joined(self, other: "Gazetteer") -> "Gazetteer":
        """This table and another below it, row after row.

        Args:
            other: Its row r becomes row ``len(self) + r``.

        Returns:
            A new table, in which equal populations are ordered by identifier.
        """
        columns = ("id", "name", "country", "region", "latitude", "longitude", "population")
        return Gazetteer(
            **{name: np.concatenate([getattr(t, name) for t in (self, other)]) for name in columns}
        )

    @cached_property
    def _rows(self) -> dict[str, Int64[np.ndarray, " k"]]:
        codes, member = np.unique(self.country.astype("U2"), return_inverse=True)
        # Something must decide between towns of equal population, so that lists never change.
        first = self.id if self.order is None else self.order
        order = np.lexsort((first, -self.population, member))
        starts = np.searchsorted(member[order], np.arange(len(codes) + 1))
        return {str(code): order[starts[i] : starts[i + 1]] for i, code in enumerate(codes)}


@cache
def load_gazetteer() -> Gazetteer:
    """The table of this package: 230,000 places of GeoNames with 500 inhabitants or more.

    Returns:
        The table; its arrays are shared between callers and read-only.

    Source: GeoNames (CC-BY 4.0), see ``geo/tables/README.md``.
    """
    # pq.read_table would import pyarrow.dataset, and that pandas: 0.3 s.
    table = pq.ParquetFile(_TABLE).read(use_threads=False).combine_chunks()
    columns = {name: _column(table[name].chunk(0)) for name in table.column_names}
    for column in columns.values():
        column.flags.writeable = False
    return Gazetteer(**columns)


def _column(array: Any) -> Shaped[np.ndarray, " m"]:
    return words(array) if pa.types.is_string(array.type) else numbers(array)
