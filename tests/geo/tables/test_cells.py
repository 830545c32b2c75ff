"""What each cell says, against shapely asked about that cell."""

import numpy as np
import pytest
import shapely

from streetclip.geo.polygons import CELLS_PER_DEGREE, COLUMNS, NOWHERE, SEVERAL
from streetclip.geo.tables.cells import build_cells


@pytest.fixture(scope="module")
def polygons() -> np.ndarray:
    slanted = shapely.Polygon([(-3, -3), (4, -2), (3, 4), (-1, 2)])
    return np.array([slanted, shapely.box(4, -2, 6, 2), shapely.box(5, 1, 7, 3)], dtype=object)


def test_every_cell_around_the_polygons_is_right(polygons: np.ndarray) -> None:
    table = build_cells(polygons)
    starts = np.cumsum(table.counts) - table.counts
    several = {int(cell): k for k, cell in enumerate(np.flatnonzero(table.cells == SEVERAL))}
    for row in range(85 * CELLS_PER_DEGREE, 96 * CELLS_PER_DEGREE, 3):
        for column in range(175 * CELLS_PER_DEGREE, 189 * CELLS_PER_DEGREE):
            west, south = column / CELLS_PER_DEGREE - 180, row / CELLS_PER_DEGREE - 90
            box = shapely.box(
                west, south, west + 1 / CELLS_PER_DEGREE, south + 1 / CELLS_PER_DEGREE
            )
            touching = np.flatnonzero(shapely.intersects(polygons, box)).tolist()
            cell = row * COLUMNS + column
            if not touching:
                assert table.cells[cell] == NOWHERE
            elif len(touching) == 1 and polygons[touching[0]].covers(box):
                assert table.cells[cell] == touching[0]
            else:
                k = several[cell]
                found = table.candidates[starts[k] : starts[k] + table.counts[k]]
                assert found.tolist() == touching


def test_the_rest_of_the_earth_is_empty(polygons: np.ndarray) -> None:
    table = build_cells(polygons)
    # 31.5 + 8 + 4 - 1 square degrees of 64 cells each, and at most the cells along the edges more.
    filled = int((table.cells != NOWHERE).sum())
    area = float(shapely.union_all(polygons).area) * CELLS_PER_DEGREE**2
    assert area <= filled <= area + 500
