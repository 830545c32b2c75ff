"""Polygons by cells against shapely, asked point by point."""

import numpy as np
import pytest
import shapely

from streetclip.geo.polygons import (
    NOWHERE,
    PolygonIndex,
    outline_points,
    read_cells,
    write_cells,
)
from streetclip.geo.tables.cells import build_cells


@pytest.fixture(scope="module")
def polygons() -> np.ndarray:
    """A large square with a hole, what fills the hole, a sliver, and a triangle at the edge."""
    ring = shapely.box(0, 0, 20, 20).difference(shapely.box(5.03, 5.03, 5.2, 5.2))
    return np.array(
        [
            ring,
            shapely.box(5.03, 5.03, 5.2, 5.2),
            shapely.box(20, 3.01, 20.02, 3.02),
            shapely.Polygon([(170, -80), (180, -90), (180, -70)]),
        ],
        dtype=object,
    )


@pytest.fixture(scope="module")
def index(polygons: np.ndarray) -> PolygonIndex:
    return PolygonIndex(polygons, build_cells(polygons))


def test_points_are_found_where_shapely_finds_them(
    polygons: np.ndarray, index: PolygonIndex
) -> None:
    random = np.random.default_rng(0)
    x = np.concatenate([random.uniform(-1, 22, 4000), random.uniform(168, 180, 1000)])
    y = np.concatenate([random.uniform(-1, 21, 4000), random.uniform(-90, -68, 1000)])
    x[:1000], y[:1000] = random.uniform(4.9, 5.3, 1000), random.uniform(4.9, 5.3, 1000)
    expected = [
        next(
            (i for i, polygon in enumerate(polygons) if polygon.contains(shapely.Point(*xy))),
            NOWHERE,
        )
        for xy in zip(x, y, strict=True)
    ]
    assert index.find(y, x).tolist() == expected


def test_corners_of_the_earth_have_a_cell(index: PolygonIndex) -> None:
    latitude, longitude = np.array([90.0, -90.0, 90.0]), np.array([180.0, 180.0, -180.0])
    assert index.find(latitude, longitude).tolist() == [NOWHERE, 3, NOWHERE]


def test_cells_survive_being_written(
    polygons: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table, path = build_cells(polygons), tmp_path_factory.mktemp("cells") / "cells.parquet"
    assert write_cells(table, path) == path.stat().st_size
    back = read_cells(path)
    np.testing.assert_array_equal(back.cells, table.cells)
    np.testing.assert_array_equal(back.counts, table.counts)
    np.testing.assert_array_equal(back.candidates, table.candidates)


def test_points_along_an_outline_are_no_farther_apart_than_asked(polygons: np.ndarray) -> None:
    latlon, owner = outline_points(polygons[1:2], step_deg=0.05)
    steps = np.abs(np.diff(latlon, axis=0)).max(axis=1)
    assert set(owner.tolist()) == {0}
    assert steps.max() <= 0.05 + 1e-12
    assert latlon.min() == 5.03
    assert latlon.max() == 5.2
