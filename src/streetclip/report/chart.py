"""Scales, ticks and paths of a small chart, in the units of its SVG canvas."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

WIDTH, HEIGHT = 460, 300
# Room for the labels of the axes.
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 14, 26, 46


@dataclass(frozen=True, slots=True)
class Scale:
    """How values of one axis become positions on the canvas.

    Args:
        low: The value at the start of the axis.
        high: The value at its end.
        start: Position of `low`.
        end: Position of `high`; smaller than `start` where the axis points upward.
        logarithmic: Whether equal ratios take equal room.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value stands; values beyond the axis stand at its end.

        Args:
            value: In the units of the axis.

        Example:
            >>> Scale(1.0, 10_000.0, 0.0, 100.0, logarithmic=True).at(100.0)
            50.0
            >>> Scale(0.0, 1.0, 300.0, 0.0).at(2.0)
            0.0
        """
        low, high, value = (
            (np.log10(end) for end in (self.low, self.high, max(value, self.low)))
            if self.logarithmic
            else (self.low, self.high, value)
        )
        share = min(max(float((value - low) / (high - low)), 0.0), 1.0)
        return self.start + share * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid with its label.

    Args:
        at: Position on the canvas.
        label: What stands beside it; may be empty.
    """

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """The frame of a chart.

    Args:
        x: Scale of the horizontal axis.
        y: Scale of the vertical axis.
        x_label: What the horizontal axis shows, with its unit.
        y_label: What the vertical axis shows, with its unit.
        x_ticks: From left to right.
        y_ticks: From bottom to top.
        width: Of the canvas.
        height: Of the canvas.
    """

    x: Scale
    y: Scale
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def left(self) -> float:
        """Where the vertical axis stands."""
        return self.x.start

    @property
    def right(self) -> float:
        """Where the horizontal axis ends."""
        return self.x.end

    @property
    def top(self) -> float:
        """Where the vertical axis ends."""
        return self.y.end

    @property
    def bottom(self) -> float:
        """Where the horizontal axis stands."""
        return self.y.start

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """A line through points, as the ``d`` of an SVG path.

        Args:
            points: Values of both axes.

        Returns:
            ``""`` without points.
        """
        places = [f"{self.x.at(x):.1f} {self.y.at(y):.1f}" for x, y in points]
        return "M" + "L".join(places) if places else ""

    @cached_property
    def diagonal(self) -> str:
        """From the low ends of both axes to their high ends."""
        return self.path([(self.x.low, self.y.low), (self.x.high, self.y.high)])


def share_axis(start: float, end: float) -> tuple[Scale, tuple[Tick, ...]]:
    """An axis for shares of 0 to 1, labeled in per cent.

    Args:
        start: Position of 0.
        end: Position of 1.

    Returns:
        The scale and its ticks.
    """
    scale = Scale(0.0, 1.0, start, end)
    return scale, tuple(Tick(scale.at(n / 4), f"{25 * n}") for n in range(5))


def share_chart(x_label: str, y_label: str, *, bottom: float = HEIGHT - _BOTTOM) -> Chart:
    """A chart of a share against a share.

    Args:
        x_label: What the horizontal axis shows.
        y_label: What the vertical axis shows.
        bottom: Where the horizontal axis stands.

    Returns:
        The frame.
    """
    x, x_ticks = share_axis(_LEFT, WIDTH - _RIGHT)
    y, y_ticks = share_axis(bottom, _TOP)
    return Chart(x, y, x_label, y_label, x_ticks, y_ticks)


def distance_chart(x_label: str, y_label: str, *, low_km: float, high_km: float) -> Chart:
    """A chart of a share against a distance on a logarithmic scale.

    Args:
        x_label: What the horizontal axis shows.
        y_label: What the vertical axis shows.
        low_km: Left end.
        high_km: Right end.

    Returns:
        The frame; its ticks are the powers of ten.
    """
    x = Scale(low_km, high_km, _LEFT, WIDTH - _RIGHT, logarithmic=True)
    y, y_ticks = share_axis(HEIGHT - _BOTTOM, _TOP)
    powers = np.arange(np.ceil(np.log10(low_km)), np.floor(np.log10(high_km)) + 1)
    x_ticks = tuple(Tick(x.at(10.0**power), f"{10.0**power:,.0f}") for power in powers)
    return Chart(x, y, x_label, y_label, x_ticks, y_ticks)


def cumulative_shares(
    values: Float64[np.ndarray, " n"], at: Float64[np.ndarray, " k"]
) -> Float64[np.ndarray, " k"]:
    """The share of values that are at most each of some limits.

    Args:
        values: In any order.
        at: Limits.

    Returns:
        0 to 1; NaN without values.

    Example:
        >>> cumulative_shares(np.array([3.0, 1.0]), np.array([0.0, 1.0, 8.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    if not len(values):
        return np.full(len(at), np.nan)
    return np.searchsorted(np.sort(values), at, side="right") / len(values)
