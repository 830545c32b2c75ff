"""Maps are made of short whole numbers, and thinned where there is too much."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from streetclip.evaluation.result import Result
from streetclip.geo.borders import country_outlines
from streetclip.report.answers import Answers
from streetclip.report.by_country import country_rows
from streetclip.report.projection import on_canvas
from streetclip.report.worldmap import (
    MAX_POINTS,
    WIDTH,
    box,
    error_step,
    frame,
    graticule,
    lands,
    point_map,
    shaded,
)

GRAMMAR = re.compile(r"(M-?\d+ -?\d+(h0|l-?\d+[ -]\d+( ?-?\d+[ -]\d+)*)z?)+")


def ends(path: str) -> list[tuple[int, int]]:
    """Where the dots of a path stand."""
    return [(int(x), int(y)) for x, y in re.findall(r"M(-?\d+) (-?\d+)h0", path)]


def walk(path: str) -> np.ndarray:
    """The points of a path with one piece, by following its steps."""
    start, _, rest = path.removesuffix("z").partition("l")
    numbers = [int(number) for number in re.findall(r"-?\d+", rest)]
    first = [int(number) for number in re.findall(r"-?\d+", start)]
    return np.cumsum([first, *zip(numbers[::2], numbers[1::2], strict=True)], axis=0)


def test_every_path_is_one_that_svg_knows() -> None:
    for path in (frame(), graticule(), *(land.path for land in lands())):
        assert GRAMMAR.fullmatch(path), path[:80]


def test_every_country_with_an_outline_is_drawn_once_and_small() -> None:
    assert [land.code for land in lands()] == [code for code, _ in country_outlines()]
    assert sum(len(land.path) for land in lands()) < 150_000


def test_steps_lead_along_the_outline() -> None:
    outline = dict(country_outlines())["LS"][0]
    (land,) = [land for land in lands() if land.code == "LS"]
    placed = on_canvas(outline, WIDTH)
    distinct = placed[np.concatenate([[True], np.diff(placed, axis=0).any(axis=1)])]
    np.testing.assert_array_equal(walk(land.path), distinct)


def test_city_states_are_dots_and_continents_are_not() -> None:
    tiny = {land.code for land in lands() if land.tiny}
    assert {"SG", "MC"} <= tiny
    assert not {"FR", "AU", "CH"} & tiny


def test_points_stand_where_the_projection_puts_them(make_result: Callable[..., Result]) -> None:
    result = make_result(4)
    drawn = point_map(Answers(result.predictions))
    lonlat = [[r["true_longitude"], r["true_latitude"]] for r in result.predictions.to_pylist()]
    expected = on_canvas(np.array(lonlat, dtype=np.float64), WIDTH)
    assert set(ends(drawn.true)) == {(int(x), int(y)) for x, y in expected}
    assert (drawn.shown, drawn.total) == (4, 4)


def test_a_large_set_is_thinned_and_keeps_the_worst(make_result: Callable[..., Result]) -> None:
    answers = Answers(make_result(3 * MAX_POINTS).predictions)
    worst = answers.worst(20).tolist()
    drawn = point_map(answers, worst=worst)
    assert MAX_POINTS <= drawn.shown <= MAX_POINTS + 20
    assert drawn.total == 3 * MAX_POINTS
    assert [arc.row for arc in drawn.arcs] == worst
    assert all(GRAMMAR.fullmatch(arc.path) for arc in drawn.arcs)


def test_the_far_south_is_shown_only_where_a_point_lies_there() -> None:
    usual, south = box(-57.0), box(-75.0)
    assert usual == box()
    assert south[3] > usual[3]
    assert south[:3] == usual[:3]


@pytest.mark.parametrize(
    ("median_km", "step"), [(0.0, 0), (25.0, 0), (25.1, 1), (200.0, 1), (2500.0, 3), (2501.0, 4)]
)
def test_classes_end_at_the_radii(median_km: float, step: int) -> None:
    assert error_step(median_km) == step


def test_countries_are_shaded_by_their_median_or_named(make_result: Callable[..., Result]) -> None:
    rows = country_rows(Answers(make_result(4).predictions))
    drawn, undrawn = shaded(rows)
    assert [(one.land.code, one.step) for one in drawn] == [
        ("FR", error_step(rows[0].median_km or 0))
    ]
    assert undrawn == []
    named = country_rows(Answers(_renamed(make_result(2), "<b>").predictions))
    drawn, undrawn = shaded(named)
    assert drawn == []
    assert [row.name for row in undrawn] == ["<b>"]


def _renamed(result: Result, country: str) -> Result:
    table = result.predictions
    place = table.schema.get_field_index("true_country")
    column = pa.array([country] * len(table))
    return replace(result, predictions=table.set_column(place, "true_country", column))
