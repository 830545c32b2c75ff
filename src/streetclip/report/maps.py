"""A map of the world with true and predicted points, joined by great circles."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from streetclip.evaluation.result import Result
from streetclip.geo.borders import country_outlines
from streetclip.report.arcs import great_circle
from streetclip.report.tables import format_value
from streetclip.shards.layout import write_whole

# Blue and orange stay apart for color-blind readers, and in gray.
TRUE_COLOR = "#1f4e9c"
PREDICTED_COLOR = "#e8710a"
_LAND, _BORDER, _SEA = "#e3e3dd", "#ffffff", "#f6f8fa"
# More would cover the map; they are taken evenly from the order of the set.
MAX_PHOTOS = 500


def world_map(result: Result, *, width_px: int = 1200) -> Figure:
    """True points, predicted points, and a line from each to the other.

    Args:
        result: Of an evaluation; of more than 500 photographs it shows every so manieth.
        width_px: Of the picture; it is a bit more than half as high.

    Returns:
        A figure, drawn without a display.
    """
    figure = Figure(figsize=(12, 6.2), dpi=width_px / 12, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.91))
    _draw_land(axes)
    shown = shown_rows(len(result.predictions))
    true, predicted = points(result, "true")[shown], points(result, "predicted")[shown]
    lines = [line for a, b in zip(true, predicted, strict=True) for line in great_circle(a, b)]
    alpha = float(np.clip(30 / max(len(shown), 1), 0.18, 0.6))
    axes.add_collection(
        LineCollection(lines, colors=PREDICTED_COLOR, linewidths=0.7, alpha=alpha, zorder=2)
    )
    size = float(np.clip(4000 / max(len(shown), 1), 9, 36))
    _draw_points(axes, predicted, PREDICTED_COLOR, "predicted", size)
    _draw_points(axes, true, TRUE_COLOR, "true", size)
    axes.legend(loc="lower left", frameon=True, framealpha=0.9, fontsize=10, markerscale=1.5)
    axes.set_title(_title(result, len(shown)), fontsize=12, loc="left", pad=8)
    return figure


def save_map(result: Result, path: Path, *, width_px: int = 1200) -> None:
    """Write the map as a PNG file, whole or not at all.

    Args:
        result: Of an evaluation.
        path: The file.
        width_px: Of the picture.
    """
    buffer = io.BytesIO()
    # Without the metadata the same result gives the same bytes.
    world_map(result, width_px=width_px).savefig(buffer, format="png", metadata={"Software": None})
    write_whole(path, buffer.getvalue())


def map_image(result: Result, *, width_px: int = 1000) -> UInt8[np.ndarray, "h w 3"]:
    """The map as pixels, for TensorBoard (`add_image` with `dataformats="HWC"`).

    Args:
        result: Of an evaluation.
        width_px: Of the picture.

    Returns:
        Red, green and blue.
    """
    canvas = FigureCanvasAgg(world_map(result, width_px=width_px))
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    return np.asarray(pixels)[..., :3].copy()


def points(result: Result, which: str) -> Float64[np.ndarray, "n 2"]:
    """Latitudes and longitudes of a result.

    Args:
        result: Of an evaluation.
        which: ``"true"`` or ``"predicted"``.

    Returns:
        Degrees, in the order of the predictions.
    """
    columns = [result.predictions[f"{which}_{axis}"] for axis in ("latitude", "longitude")]
    return np.stack([np.array(column.to_pylist(), dtype=np.float64) for column in columns], axis=1)


def shown_rows(n: int) -> Int64[np.ndarray, " k"]:
    """Which photographs a map shows: all, or evenly taken ones.

    Args:
        n: Photographs of the result.

    Returns:
        Row numbers, at most `MAX_PHOTOS`.

    Example:
        >>> len(shown_rows(3)), len(shown_rows(3000)), int(shown_rows(3000)[-1])
        (3, 500, 2999)
    """
    if n <= MAX_PHOTOS:
        return np.arange(n)
    return np.linspace(0, n - 1, MAX_PHOTOS).round().astype(np.int64)


def _draw_land(axes: Axes) -> None:
    rings = [ring for _, country in country_outlines() for ring in country]
    axes.set_facecolor(_SEA)
    axes.add_collection(
        PolyCollection(rings, facecolors=_LAND, edgecolors=_BORDER, linewidths=0.5, zorder=1)
    )
    # Antarctica has no street, and would take a sixth of the picture.
    axes.set(xlim=(-180, 180), ylim=(-60, 85), xticks=[], yticks=[], aspect="auto")
    for side in axes.spines.values():
        side.set_visible(False)


def _draw_points(
    axes: Axes, where: Float64[np.ndarray, "n 2"], color: str, label: str, size: float
) -> None:
    axes.scatter(
        where[:, 1],
        where[:, 0],
        s=size,
        c=color,
        label=label,
        zorder=3,
        edgecolors="white",
        linewidths=0.4,
    )


def _title(result: Result, shown: int) -> str:
    title = f"{result.title}: {result.model}"
    if shown < len(result.predictions):
        title = f"{title}, {shown} photographs shown"
    median, country = result.values.get("median_km"), result.values.get("country_accuracy")
    if median is not None and median.value is not None:
        title = f"{title}\nmedian error {format_value('median_km', median.value)}"
    if country is not None and country.value is not None:
        title = f"{title}, country {format_value('country_accuracy', country.value)}"
    return title
