"""The nearest town of a point's own country."""

import numpy as np
from jaxtyping import Float64, Int64, Shaped
from scipy.spatial import cKDTree

from streetclip.geo.distance import chord_to_km, unit_vectors

NO_TOWN = -1

# Clipperton is France's, and the next French town is in Brittany: that is no answer.
TOWN_LIMIT_KM = 500.0


class TownIndex:
    """One tree a country, made when a point of that country first asks.

    Args:
        latlon: Latitude and longitude of the towns, degrees.
        country: Number of each town's country.
    """

    def __init__(
        self, latlon: Float64[np.ndarray, "m 2"], country: Int64[np.ndarray, " m"]
    ) -> None:
        self._latlon = latlon
        order = np.argsort(country, kind="stable")
        numbers, starts = np.unique(country[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        self._rows = {
            int(number): order[start:end]
            for number, start, end in zip(numbers, starts, ends, strict=True)
        }
        self._trees: dict[int, cKDTree] = {}

    def nearest(
        self, latlon: Float64[np.ndarray, "n 2"], country: Int64[np.ndarray, " n"]
    ) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
        """The nearest town of each point's country.

        Args:
            latlon: Latitude and longitude, degrees.
            country: Number of each point's country.

        Returns:
            Rows of the towns and kilometers; ``NO_TOWN`` and NaN where the country has none within
            500 km.
        """
        row = np.full(len(latlon), NO_TOWN, dtype=np.int64)
        distance_km = np.full(len(latlon), np.nan)
        if not len(latlon):
            return row, distance_km
        vectors = unit_vectors(latlon)
        # Few bits let NumPy sort by counting.
        order = np.argsort(country.astype(np.int16), kind="stable")
        numbers, starts = np.unique(country[order], return_index=True)
        for number, members in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
            if number not in self._rows:
                continue
            chord, found = self._tree(number).query(vectors[members])
            row[members] = self._rows[number][found]
            distance_km[members] = chord_to_km(np.asarray(chord))
        far = distance_km > TOWN_LIMIT_KM
        row[far], distance_km[far] = NO_TOWN, np.nan
        return row, distance_km

    def _tree(self, number: int) -> cKDTree:
        if number not in self._trees:
            vectors: Shaped[np.ndarray, "k 3"] = unit_vectors(self._latlon[self._rows[number]])
            self._trees[number] = cKDTree(vectors)
        return self._trees[number]
