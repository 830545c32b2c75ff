"""Comparing every cell of the Earth with every polygon, once, when the tables are built."""

import numpy as np
import shapely
from jaxtyping import Float64, Int64, Shaped

from streetclip.geo.polygons import CELLS_PER_DEGREE, COLUMNS, NOWHERE, ROWS, SEVERAL, CellTable

# Cells are first looked at in blocks of 16 x 16, and a block that one polygon covers is done.
_FIRST_BLOCK = 16


def build_cells(polygons: Shaped[np.ndarray, " p"]) -> CellTable:
    """The polygons that cover or touch each cell.

    Args:
        polygons: Shapely polygons in longitude and latitude.

    Returns:
        The table, exact: a cell names one polygon only if that one covers it and no other
        touches it.
    """
    shapely.prepare(polygons)
    cells = np.full((ROWS, COLUMNS), NOWHERE, dtype=np.int32)
    size = _FIRST_BLOCK
    rows, columns = (grid.ravel() for grid in np.mgrid[0:ROWS:size, 0:COLUMNS:size])
    while True:
        touching, block = _pairs(polygons, rows, columns, size, predicate="intersects")
        count = np.bincount(block, minlength=len(rows))
        covering, covered = _pairs(polygons, rows, columns, size, predicate="covers")
        alone = count[covered] == 1
        for offset_row in range(size):
            for offset_column in range(size):
                cells[
                    rows[covered[alone]] + offset_row, columns[covered[alone]] + offset_column
                ] = covering[alone]
        count[covered[alone]] = 0
        open_blocks = np.flatnonzero(count)
        if size == 1:
            return _finish(cells, rows, columns, open_blocks, (touching, block))
        rows, columns = _quarters(rows[open_blocks], columns[open_blocks], size // 2)
        size //= 2


def _quarters(
    rows: Int64[np.ndarray, " k"], columns: Int64[np.ndarray, " k"], half: int
) -> tuple[Int64[np.ndarray, " q"], Int64[np.ndarray, " q"]]:
    south_north = np.concatenate([rows, rows, rows + half, rows + half])
    west_east = np.concatenate([columns, columns + half, columns, columns + half])
    return south_north, west_east


def _pairs(
    polygons: Shaped[np.ndarray, " p"],
    rows: Int64[np.ndarray, " k"],
    columns: Int64[np.ndarray, " k"],
    size: int,
    *,
    predicate: str,
) -> tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
    """Numbers of polygons and blocks of which the predicate holds."""
    south: Float64[np.ndarray, " k"] = rows / CELLS_PER_DEGREE - 90.0
    west: Float64[np.ndarray, " k"] = columns / CELLS_PER_DEGREE - 180.0
    width = size / CELLS_PER_DEGREE
    boxes = shapely.box(west, south, west + width, south + width)
    # The tree holds the boxes, because only the geometries that ask are prepared.
    polygon, block = shapely.STRtree(boxes).query(polygons, predicate=predicate)  # type: ignore[call-overload]
    return polygon, block


def _finish(
    cells: Int64[np.ndarray, "rows columns"] | Shaped[np.ndarray, "rows columns"],
    rows: Int64[np.ndarray, " k"],
    columns: Int64[np.ndarray, " k"],
    open_blocks: Int64[np.ndarray, " open"],
    pairs: tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]],
) -> CellTable:
    touching, block = pairs
    cells[rows[open_blocks], columns[open_blocks]] = SEVERAL
    is_open = np.zeros(len(rows), dtype=bool)
    is_open[open_blocks] = True
    kept = is_open[block]
    number = rows[block[kept]] * COLUMNS + columns[block[kept]]
    order = np.lexsort((touching[kept], number))
    _, counts = np.unique(number[order], return_counts=True)
    return CellTable(cells.ravel(), counts, touching[kept][order])
