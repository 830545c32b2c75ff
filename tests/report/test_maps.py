"""Maps show every point, and lines that are great circles."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb

from streetclip.evaluation.result import Result
from streetclip.report.maps import (
    MAX_PHOTOS,
    TRUE_COLOR,
    map_image,
    save_map,
    shown_rows,
    world_map,
)


def test_points_stand_where_they_were_taken_and_predicted(
    make_result: Callable[..., Result],
) -> None:
    result = make_result(4)
    (axes,) = world_map(result, width_px=400).axes
    drawn = {
        str(points.get_label()): np.asarray(points.get_offsets())
        for points in axes.collections
        if isinstance(points, PathCollection)
    }
    for which in ("true", "predicted"):
        rows = result.predictions.to_pylist()
        expected = [[row[f"{which}_longitude"], row[f"{which}_latitude"]] for row in rows]
        np.testing.assert_allclose(drawn[which], expected)


def test_only_wrong_answers_have_a_line(make_result: Callable[..., Result]) -> None:
    (axes,) = world_map(make_result(6), width_px=400).axes
    (lines,) = [part for part in axes.collections if isinstance(part, LineCollection)]
    assert len(lines.get_segments()) == 3


def test_a_large_set_is_thinned_evenly_and_says_so(make_result: Callable[..., Result]) -> None:
    rows = shown_rows(5 * MAX_PHOTOS)
    assert len(set(rows.tolist())) == MAX_PHOTOS
    assert np.diff(rows).max() - np.diff(rows).min() <= 1
    (axes,) = world_map(make_result(MAX_PHOTOS + 1), width_px=300).axes
    assert f"{MAX_PHOTOS} photographs shown" in axes.get_title(loc="left")


def test_the_image_for_a_logger_has_the_colors_of_the_points(
    make_result: Callable[..., Result],
) -> None:
    image = map_image(make_result(), width_px=400).astype(np.int64)
    assert image.shape[1:] == (400, 3)
    wanted = np.array(to_rgb(TRUE_COLOR)) * 255
    assert (np.abs(image - wanted).max(axis=-1) < 3).any()


def test_the_same_result_gives_the_same_file(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        save_map(make_result(), tmp_path / name, width_px=300)
    data = (tmp_path / "a.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert data == (tmp_path / "b.png").read_bytes()


def test_photographs_without_coordinates_have_neither_point_nor_line(
    make_result: Callable[..., Result],
) -> None:
    result = make_result(4)
    nowhere = pa.nulls(4, pa.float64())
    table = result.predictions
    for name in ("true_latitude", "true_longitude", "distance_km"):
        table = table.set_column(table.schema.get_field_index(name), name, nowhere)
    (axes,) = world_map(replace(result, predictions=table), width_px=400).axes
    (lines,) = [part for part in axes.collections if isinstance(part, LineCollection)]
    assert len(lines.get_segments()) == 0
    assert map_image(replace(result, predictions=table), width_px=200).shape[1] == 200
