"""Which polygon holds a point, for many points at once.

The Earth is cut into cells of an eighth of a degree, and each cell was compared with all polygons
when the tables were built: most cells lie in one polygon or in none, and a look-up answers. For
the rest the few polygons that touch the cell are tried one after the other.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from jaxtyping import Float64, Int, Int64, Shaped

from streetclip.geo.columns import numbers, read_columns

CELLS_PER_DEGREE = 8
ROWS, COLUMNS = 180 * CELLS_PER_DEGREE, 360 * CELLS_PER_DEGREE

NOWHERE = -1
SEVERAL = -2


@dataclass(frozen=True)
class CellTable:
    """What each cell knows about the polygons.

    Args:
        cells: The polygon that covers the cell, ``NOWHERE`` or ``SEVERAL``; rows from south to
            north, in each row from west to east.
        counts: For each cell that says ``SEVERAL``, in order, how many polygons touch it.
        candidates: Those polygons, cell after cell.
    """

    cells: Int[np.ndarray, " cells"]
    counts: Int[np.ndarray, " several"]
    candidates: Int[np.ndarray, " touching"]


class PolygonIndex:
    """Polygons with their cells, asked by latitude and longitude.

    Args:
        polygons: Shapely polygons in longitude and latitude, none across the antimeridian.
        table: Their cells.
    """

    def __init__(self, polygons: Shaped[np.ndarray, " p"], table: CellTable) -> None:
        self.polygons = polygons
        shapely.prepare(polygons)
        several = table.cells == SEVERAL
        # A cell that says SEVERAL points into the list of candidates instead: -2, -3, -4, ...
        self._cells = table.cells.astype(np.int32)
        self._cells[several] = SEVERAL - np.arange(int(several.sum()), dtype=np.int32)
        self._counts = table.counts.astype(np.int64)
        self._starts = np.cumsum(self._counts) - self._counts
        self._candidates = table.candidates.astype(np.int64)

    def find(
        self, latitude: Float64[np.ndarray, " n"], longitude: Float64[np.ndarray, " n"]
    ) -> Int64[np.ndarray, " n"]:
        """The polygon that holds each point; on a common edge, one of the two.

        Args:
            latitude: Degrees, -90 to 90.
            longitude: Degrees, -180 to 180.

        Returns:
            Numbers of polygons, ``NOWHERE`` for points in none.
        """
        found = self.cell_values(latitude, longitude)
        rows = np.flatnonzero(found <= SEVERAL)
        if len(rows):
            found[rows] = self._try(SEVERAL - found[rows], latitude[rows], longitude[rows])
        return found

    def cell_values(
        self, latitude: Float64[np.ndarray, " n"], longitude: Float64[np.ndarray, " n"]
    ) -> Int64[np.ndarray, " n"]:
        """What the cell of each point says, without a look at the polygons.

        Args:
            latitude: Degrees, -90 to 90.
            longitude: Degrees, -180 to 180.

        Returns:
            A polygon, ``NOWHERE``, or ``SEVERAL`` and below where polygons touch the cell.
        """
        row = np.minimum(((latitude + 90.0) * CELLS_PER_DEGREE).astype(np.int64), ROWS - 1)
        column = np.minimum(((longitude + 180.0) * CELLS_PER_DEGREE).astype(np.int64), COLUMNS - 1)
        return np.asarray(self._cells[row * COLUMNS + column], dtype=np.int64)

    def _try(
        self,
        cell: Int64[np.ndarray, " k"],
        latitude: Float64[np.ndarray, " k"],
        longitude: Float64[np.ndarray, " k"],
    ) -> Int64[np.ndarray, " k"]:
        """Ask the first candidate about all points, the second about those left, and so on."""
        found = np.full(len(cell), NOWHERE, dtype=np.int64)
        left = np.arange(len(cell))
        turn = 0
        while len(left):
            candidate = self._candidates[self._starts[cell[left]] + turn]
            inside = shapely.intersects_xy(
                self.polygons[candidate], longitude[left], latitude[left]
            )
            found[left[inside]] = candidate[inside]
            turn += 1
            left = left[~inside & (self._counts[cell[left]] > turn)]
        return found


def outline_points(
    polygons: Shaped[np.ndarray, " p"], *, step_deg: float
) -> tuple[Float64[np.ndarray, "k 2"], Int64[np.ndarray, " k"]]:
    """Points along all edges, for questions about the distance to an edge.

    Args:
        polygons: Shapely polygons in longitude and latitude.
        step_deg: Largest distance between neighbors on an edge, in degrees.

    Returns:
        Latitude and longitude, and the number of the polygon that each point belongs to.
    """
    dense = shapely.segmentize(polygons, step_deg)
    xy, owner = shapely.get_coordinates(dense, return_index=True)
    return np.ascontiguousarray(xy[:, ::-1]), owner.astype(np.int64)


def read_polygons(path: Path) -> tuple[Shaped[np.ndarray, " p"], dict[str, list[str]]]:
    """A table of polygons as the build script writes it.

    Args:
        path: A Parquet file with a column ``wkb``.

    Returns:
        The polygons, and the other columns by name.
    """
    columns = read_columns(path)
    return shapely.from_wkb(np.array(columns.pop("wkb"), dtype=object)), columns


def read_cells(path: Path) -> CellTable:
    """A table of cells as the build script writes it: one row of three lists.

    Args:
        path: A Parquet file.

    Returns:
        The table.
    """
    table = pq.ParquetFile(path).read(use_threads=False).combine_chunks()
    lists = {name: numbers(table[name].chunk(0).values) for name in table.column_names}
    return CellTable(**lists)


def write_cells(table: CellTable, path: Path) -> int:
    """Write a table of cells as one row of three lists.

    Args:
        table: The table.
        path: Where to.

    Returns:
        Bytes written.
    """
    columns = {
        name: pa.array([getattr(table, name).astype(np.int16)], pa.list_(pa.int16()))
        for name in ("cells", "counts", "candidates")
    }
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=19)
    return path.stat().st_size
