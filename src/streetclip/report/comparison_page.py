"""Comparisons as one HTML file: tables, and differences drawn with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from streetclip.evaluation.comparison import Comparison, Entrant, Pair
from streetclip.report.chart import Scale, Tick
from streetclip.report.comparison import (
    DIFFERENCE_HEAD,
    difference_rows,
    entrant_title,
    format_difference,
    format_range,
    pair_title,
    title,
    value_rows,
)
from streetclip.report.html import render
from streetclip.report.tables import label

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 460, 20, 440, 8, 40, 44
_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_OTHER_UNITS = ("geoscore",)


@dataclass(frozen=True, slots=True)
class Whisker:
    """A difference of shares as it is drawn.

    Args:
        label: What a reader calls the value.
        text: The difference and its interval in words.
        y: Where the line stands.
        low: Where it begins.
        at: Where its mark stands.
        high: Where it ends.
        shown: Whether the difference is real, by the verdict of the table.
    """

    label: str
    text: str
    y: float
    low: float
    at: float
    high: float
    shown: bool


@dataclass(frozen=True, slots=True)
class Forest:
    """Differences of two results, one below the other over one axis of percentage points.

    Args:
        height: Of the canvas.
        zero: Where no difference stands.
        ticks: From left to right.
        rows: From top to bottom.
    """

    height: float
    zero: float
    ticks: tuple[Tick, ...]
    rows: tuple[Whisker, ...]
    width: float = _WIDTH


def forest(pair: Pair) -> Forest | None:
    """The drawing of all differences of two results that are shares.

    Args:
        pair: Of a comparison.

    Returns:
        None where no value is a share.
    """
    shares = {name: found for name, found in pair.differences.items() if _is_share(name)}
    if not shares:
        return None
    most = max(abs(end) for found in shares.values() for end in (found.low, found.high))
    step = next((step for step in _STEPS if most <= 4 * step), 0.5)
    reach = step * max(int(-(-most // step)), 1)
    scale = Scale(-reach, reach, _LEFT, _RIGHT)
    rows = tuple(
        Whisker(
            label(name),
            f"{format_difference(name, found.value)} ({format_range(name, found)})",
            _TOP + _ROW * (number + 0.7),
            scale.at(found.low),
            scale.at(found.value),
            scale.at(found.high),
            bool(found.better),
        )
        for number, (name, found) in enumerate(shares.items())
    )
    count = round(reach / step)
    ticks = tuple(
        Tick(scale.at(n * step), f"{100 * n * step:+g}" if n else "0")
        for n in range(-count, count + 1)
    )
    return Forest(_TOP + _ROW * len(rows) + _BOTTOM, scale.at(0.0), ticks, rows)


def comparison_page(comparisons: Sequence[Comparison], *, left_out: Sequence[str] = ()) -> str:
    """The page of comparisons; the same comparisons give the same page.

    Args:
        comparisons: One a set.
        left_out: Sentences about results that are in none of them.

    Returns:
        HTML that asks no network.
    """
    return render(
        "comparison.html.j2",
        {
            "heading": title(comparisons[0]) if len(comparisons) == 1 else "Comparisons",
            "sections": [_section(comparison) for comparison in comparisons],
            "left_out": left_out,
            "head": DIFFERENCE_HEAD,
        },
    )


def _section(comparison: Comparison) -> dict[str, object]:
    return {
        "title": title(comparison),
        "names": [entrant_title(comparison, entrant) for entrant in comparison.entrants],
        "values": value_rows(comparison),
        "pairs": [
            {
                "title": pair_title(pair),
                "first": pair.first,
                "second": pair.second,
                "rows": difference_rows(pair),
                "forest": forest(pair),
            }
            for pair in comparison.pairs
        ],
        "notes": comparison.notes,
        "entrants": [_origin(entrant) for entrant in comparison.entrants],
    }


def _origin(entrant: Entrant) -> dict[str, object]:
    digests = {
        "results.json": entrant.digest,
        "weights": entrant.weights_digest,
        "protocol": entrant.protocol_digest,
        "shard set": entrant.shard_set_digest,
    }
    return {"entrant": entrant, "digests": {what: hex_[:16] for what, hex_ in digests.items()}}


def _is_share(name: str) -> bool:
    return not name.endswith("_km") and name not in _OTHER_UNITS
