"""Maps of the world as SVG paths: true and predicted points, arcs, and countries by their error.

A canvas is 4,000 units wide, so that whole numbers are fine enough, and short, at any size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float64, Int64

from streetclip.geo.borders import country_outlines
from streetclip.metrics.functional import RADII_KM
from streetclip.report.answers import Answers
from streetclip.report.arcs import great_circle
from streetclip.report.by_country import CountryRow
from streetclip.report.projection import on_canvas

WIDTH = 4000
# Of a larger set, evenly taken photographs are drawn, and the page says how many.
MAX_POINTS = 2000
# Antarctica has no street, and would take a sixth of the picture.
_SOUTH = -58.0
# The classes of the map of errors; 1 km and 25 km are one class.
STEP_RADII_KM: tuple[int, ...] = RADII_KM[1:]
# A country whose largest piece is smaller than this is drawn as a dot; units of the canvas.
_DOT = 24


@dataclass(frozen=True, slots=True)
class Land:
    """A country on the canvas.

    Args:
        code: ISO code.
        path: The ``d`` of an SVG path, all pieces.
        center: The middle of its largest piece, x and y.
        tiny: Whether it is too small to be seen.
    """

    code: str
    path: str
    center: tuple[int, int]
    tiny: bool


@dataclass(frozen=True, slots=True)
class Arc:
    """From a true to a predicted point.

    Args:
        row: Of the predictions.
        path: The ``d`` of an SVG path; more than one piece where it crosses the antimeridian.
    """

    row: int
    path: str


@dataclass(frozen=True, slots=True)
class PointMap:
    """True and predicted points with the arcs of the worst answers.

    Args:
        true: Every true point, as a path of dots.
        predicted: Every predicted point, as a path of dots.
        arcs: Of the worst answers.
        shown: Photographs on the map.
        total: Photographs with a prediction that were taken at a known place.
        box: Left, top, width and height of what is shown of the canvas.
    """

    true: str
    predicted: str
    arcs: tuple[Arc, ...]
    shown: int
    total: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ShadedCountry:
    """A country with photographs on the map of errors.

    Args:
        land: Its shape.
        row: Its figures.
        step: 0 for errors within the smallest radius, and one more for each radius passed.
    """

    land: Land
    row: CountryRow
    step: int


@cache
def lands() -> tuple[Land, ...]:
    """The countries of the world on the canvas, large ones first.

    Returns:
        Shapes; islets of less than a unit are left out.
    """
    drawn = []
    for code, rings in country_outlines():
        placed = [_distinct(on_canvas(ring, WIDTH)) for ring in rings]
        largest = max(placed, key=_span)
        kept = [ring for ring in placed if len(ring) > 2 or ring is largest]
        low, high = largest.min(axis=0), largest.max(axis=0)
        center = (int(low[0] + high[0]) // 2, int(low[1] + high[1]) // 2)
        path = "".join(f"{_relative(ring)}z" for ring in kept)
        drawn.append(Land(code, path, center, _span(largest) < _DOT))
    return tuple(drawn)


def point_map(answers: Answers, *, worst: Sequence[int] = ()) -> PointMap:
    """The map of true and predicted points.

    Args:
        answers: Of a result.
        worst: Rows that get an arc; they are on the map in any case.

    Returns:
        Paths.
    """
    true, predicted = answers.true_latlon, answers.predicted_latlon
    placed = np.flatnonzero(~np.isnan(true).any(axis=1))
    rows = placed[thinned(len(placed), MAX_POINTS)]
    rows = np.union1d(rows, np.array(worst, dtype=np.int64))
    places = np.concatenate([true[rows], predicted[rows]])
    return PointMap(
        true=_dots(true[rows]),
        predicted=_dots(predicted[rows]),
        arcs=tuple(Arc(row, _arc(true[row], predicted[row])) for row in worst),
        shown=len(rows),
        total=len(placed),
        box=box(float(places[:, 0].min()) if len(places) else 0.0),
    )


def shaded(rows: Sequence[CountryRow]) -> tuple[list[ShadedCountry], list[CountryRow]]:
    """Countries by their middle error.

    Args:
        rows: Of `country_rows`.

    Returns:
        Those with a shape and an error, large ones first so that an enclave lies on top; and the
        others.
    """
    by_code: Mapping[str, CountryRow] = {row.code: row for row in rows}
    drawn = [
        ShadedCountry(land, row, error_step(row.median_km))
        for land in lands()
        if (row := by_code.get(land.code)) is not None and row.median_km is not None
    ]
    codes = {country.land.code for country in drawn}
    return drawn, [row for row in rows if row.code not in codes]


def error_step(median_km: float) -> int:
    """The class of a middle error on the map.

    Args:
        median_km: Kilometers.

    Returns:
        How many of the radii it exceeds, with 1 and 25 km as one class.

    Example:
        >>> [error_step(km) for km in (25.0, 26.0, 750.0, 9000.0)]
        [0, 1, 2, 4]
    """
    return sum(median_km > radius for radius in STEP_RADII_KM)


def thinned(n: int, most: int) -> Int64[np.ndarray, " k"]:
    """All rows, or evenly taken ones.

    Args:
        n: Rows.
        most: How many may be taken.

    Returns:
        Row numbers in order.

    Example:
        >>> thinned(3, 10).tolist(), thinned(9, 3).tolist()
        ([0, 1, 2], [0, 4, 8])
    """
    if n <= most:
        return np.arange(n)
    return np.linspace(0, n - 1, most).round().astype(np.int64)


def box(southernmost: float = 0.0) -> tuple[int, int, int, int]:
    """What of the canvas is shown.

    Args:
        southernmost: Latitude of the point that lies farthest south, in degrees.

    Returns:
        Left, top, width and height; the south polar region only where a point lies there.
    """
    south = _SOUTH if southernmost > _SOUTH else -90.0
    bottom = int(on_canvas(np.array([[0.0, south]]), WIDTH)[0, 1])
    return 0, 0, WIDTH, bottom


@cache
def frame() -> str:
    """The edge of the Earth, as the ``d`` of an SVG path."""
    latitude = np.linspace(-90.0, 90.0, 61)
    west = np.stack([np.full(61, -180.0), latitude], axis=1)
    east = np.stack([np.full(61, 180.0), latitude[::-1]], axis=1)
    return _relative(on_canvas(np.concatenate([west, east]), WIDTH)) + "z"


@cache
def graticule() -> str:
    """Meridians and parallels, 30 degrees apart, as the ``d`` of an SVG path."""
    latitude = np.linspace(-90.0, 90.0, 37)
    lines = [np.stack([np.full(37, float(at)), latitude], axis=1) for at in range(-150, 180, 30)]
    lines += [np.array([[-180.0, at], [180.0, at]]) for at in (-60.0, -30.0, 0.0, 30.0, 60.0)]
    return "".join(_relative(on_canvas(line, WIDTH)) for line in lines)


def _arc(start: Float64[np.ndarray, " 2"], end: Float64[np.ndarray, " 2"]) -> str:
    pieces = great_circle(start, end)
    return "".join(_relative(_distinct(on_canvas(piece, WIDTH))) for piece in pieces)


def _dots(latlon: Float64[np.ndarray, "n 2"]) -> str:
    """Lines without length; round ends make dots of them, and equal points one dot."""
    places = np.unique(on_canvas(latlon[:, ::-1], WIDTH), axis=0).tolist()
    return "".join(f"M{x} {y}h0" for x, y in places)


def _relative(points: Int64[np.ndarray, "k 2"]) -> str:
    """A line through points, each told by the step from the one before."""
    (x, y), steps = points[0].tolist(), np.diff(points, axis=0).tolist()
    if not steps:
        return f"M{x} {y}h0"
    # A minus sign separates two numbers as well as a space does.
    pairs = [f"{dx}{dy}" if dy < 0 else f"{dx} {dy}" for dx, dy in steps]
    line = "".join(pair if pair[0] == "-" else f" {pair}" for pair in pairs)
    return f"M{x} {y}l{line.lstrip()}"


def _distinct(points: Int64[np.ndarray, "k 2"]) -> Int64[np.ndarray, "_ 2"]:
    """Without points that equal the one before them."""
    moved = np.diff(points, axis=0).any(axis=1)
    return np.asarray(points[np.concatenate([[True], moved])])


def _span(points: Int64[np.ndarray, "k 2"]) -> int:
    return int(np.ptp(points, axis=0).max())
