"""The curve of weights between two models as a picture."""

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from streetclip.report.curve import PROBE, CurvePoint, Measure
from streetclip.shards.layout import write_whole

# Told apart by color-blind readers, and in gray by their markers.
_COLORS = ("#1f4e9c", "#e8710a", "#2a7f62", "#8e3a80", "#5b5b5b")
_MARKERS = ("o", "s", "^", "D", "v")
_GEOLOCATION = "country_accuracy"
_ACCURACY = Measure(PROBE, "", "accuracy")


def curve_figure(points: Sequence[CurvePoint]) -> Figure:
    """Countries that are right along the line, and against what is still known of the probe set.

    Args:
        points: In the order of their alpha.

    Returns:
        A figure, drawn without a display; the second panel is there where there is a probe set.
    """
    has_probe = points[0].probe is not None
    figure = Figure(figsize=(11 if has_probe else 6, 4.6), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2 if has_probe else 1, squeeze=False)[0]
    measures = [m for m, _ in points[0].values() if m.name == _GEOLOCATION]
    _along(panels[0], points, [*measures, *([_ACCURACY] if has_probe else [])])
    if has_probe:
        _against(panels[1], points, measures)
    figure.tight_layout()
    return figure


def save_curve(points: Sequence[CurvePoint], path: Path) -> None:
    """Write the picture as a PNG file, whole or not at all.

    Args:
        points: In the order of their alpha.
        path: The file.
    """
    buffer = io.BytesIO()
    # Without the metadata the same curve gives the same bytes.
    curve_figure(points).savefig(buffer, format="png", metadata={"Software": None})
    write_whole(path, buffer.getvalue())


def _along(axes: Axes, points: Sequence[CurvePoint], measures: Sequence[Measure]) -> None:
    for number, measure in enumerate(measures):
        known = [(p.alpha, v) for p in points if (v := _percent(p, measure)) is not None]
        if not known:
            continue
        is_probe = measure.is_probe
        color = "#5b5b5b" if is_probe else _COLORS[number % len(_COLORS)]
        axes.errorbar(
            [alpha for alpha, _ in known],
            [value for _, (value, _, _) in known],
            yerr=[[v - low for _, (v, low, _) in known], [high - v for _, (v, _, high) in known]],
            color=color,
            linestyle="--" if is_probe else "-",
            marker="x" if is_probe else _MARKERS[number % len(_MARKERS)],
            markersize=5,
            elinewidth=0.8,
            capsize=2,
            label=_name(measure),
        )
    axes.set_xlabel("alpha: from the start (0) to the tuned model (1)")
    axes.set_ylabel("right, % (bars: 95 % intervals)")
    axes.set_ylim(bottom=0)
    axes.grid(color="#e3e3dd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, frameon=True, framealpha=0.9)


def _against(axes: Axes, points: Sequence[CurvePoint], measures: Sequence[Measure]) -> None:
    for number, measure in enumerate(measures):
        known = [
            (p.alpha, x[0], y[0])
            for p in points
            if (x := _percent(p, _ACCURACY)) is not None and (y := _percent(p, measure)) is not None
        ]
        axes.plot(
            [across for _, across, _ in known],
            [up for _, _, up in known],
            color=_COLORS[number % len(_COLORS)],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=5,
            label=_name(measure),
        )
        # Points that lie on each other have one text.
        for across, up in dict.fromkeys((across, up) for _, across, up in known):
            alphas = [f"{alpha:g}" for alpha, *place in known if place == [across, up]]
            axes.annotate(
                ", ".join(alphas),
                (across, up),
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
            )
    axes.set_xlabel("probe set: right, %")
    axes.set_ylabel("country right, %")
    axes.set_title("Numbers at the points: alpha", fontsize=9)
    axes.margins(0.12)
    axes.grid(color="#e3e3dd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, frameon=True, framealpha=0.9)


def _name(measure: Measure) -> str:
    if measure.is_probe:
        return "probe set: right label"
    return f"{measure.set_name}: right country ({measure.protocol})"


def _percent(point: CurvePoint, measure: Measure) -> tuple[float, float, float] | None:
    """Value and ends of the interval; the value itself where there is no interval."""
    found = point.value(measure)
    if found is None or found.value is None:
        return None
    low = found.value if found.low is None else min(found.low, found.value)
    high = found.value if found.high is None else max(found.high, found.value)
    return 100 * found.value, 100 * low, 100 * high
