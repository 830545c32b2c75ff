"""A result as one HTML file to look at: no network, light and dark, wide and narrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streetclip.evaluation.result import Result
from streetclip.report.answers import Answers
from streetclip.report.by_country import FEW, CountryRow, country_rows
from streetclip.report.confusion import matrix, mixups
from streetclip.report.curves import coverage_curve, error_curve, reliability_curve
from streetclip.report.gallery import COUNT, Picture, gallery, random_rows
from streetclip.report.html import kilometers, render
from streetclip.report.leaks import LEAK_HEAD, leak_rows, leak_sentences
from streetclip.report.measured import facts, shell_commands
from streetclip.report.projection import NAME
from streetclip.report.published import published_names, published_rows
from streetclip.report.tables import (
    CEILING_LABELS,
    ceiling_kinds,
    estimate_cells,
    heading,
    label,
    notes,
    number_rows,
)
from streetclip.report.worldmap import (
    STEP_RADII_KM,
    box,
    frame,
    graticule,
    lands,
    point_map,
    shaded,
)
from streetclip.shards.layout import write_whole

PAGE_FILE = "report.html"
_TILES = ("median_km", "country_accuracy", "within_25km", "within_750km", "geoscore")


@dataclass(frozen=True, slots=True)
class Tile:
    """A number at the head of the page.

    Args:
        label: What it is.
        value: With its unit.
        interval: Both ends, or a dash.
    """

    label: str
    value: str
    interval: str


def write_page(result: Result, out: Path, *, thumbnails: Picture | None = None) -> Path:
    """Write `report.html` into a result folder, whole or not at all.

    Args:
        result: Of an evaluation.
        out: The result folder, made if it does not exist.
        thumbnails: Takes the key of a photograph and gives its bytes, or None where it has none;
            without it the page names photographs and shows no pictures, since they may be private.

    Returns:
        The file.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / PAGE_FILE
    write_whole(path, page(result, thumbnails=thumbnails).encode())
    return path


def page(result: Result, *, thumbnails: Picture | None = None) -> str:
    """The page of a result; the same result gives the same page.

    Args:
        result: Of an evaluation.
        thumbnails: See `write_page`.

    Returns:
        HTML that needs nothing else.
    """
    answers = Answers(result.predictions)
    countries = country_rows(answers)
    return render(
        "page.html.j2",
        {
            "result": result,
            "heading": heading(result),
            "tiles": tiles(result),
            "rows": number_rows(result),
            "ceilings": [CEILING_LABELS[kind] for kind in ceiling_kinds(result)],
            "notes": notes(result),
            "errors": error_curve(result, answers),
            "reliability": reliability_curve(result.reliability),
            "coverage": coverage_curve(result.coverage),
            "matrix": matrix(answers),
            "mixups": mixups(answers),
            "facts": facts(result),
            "shell_commands": shell_commands(result),
            **_leaks(result),
            **_published(result),
            **_maps(answers, countries),
            **_photographs(answers, result.seed, thumbnails),
        },
    )


def tiles(result: Result) -> list[Tile]:
    """The numbers that a reader looks for first.

    Args:
        result: Of an evaluation.

    Returns:
        Those that the result has.
    """
    rows = {row.name: row for row in number_rows(result)}
    chosen = [rows[name] for name in _TILES if name in rows]
    return [Tile(row.label, row.value, row.interval) for row in chosen]


def _published(result: Result) -> dict[str, Any]:
    rows = published_rows(result.set_name)
    names = published_names(rows)
    return {
        "published": rows,
        "published_names": names,
        "published_labels": [label(name) for name in names],
    }


def _leaks(result: Result) -> dict[str, Any]:
    details = {name: value for name, value in result.leaks.items() if name != "values_without"}
    return {
        # The sentences are Markdown too, where ticks make digests stand out.
        "leak_sentences": [
            line.replace("`", "") for line in (leak_sentences(details) if details else [])
        ],
        "leak_head": LEAK_HEAD,
        "leak_rows": [
            (label(name), *estimate_cells(name, whole), *estimate_cells(name, rest))
            for name, whole, rest in leak_rows(result)
        ],
        "leak_details": details,
    }


def _maps(answers: Answers, countries: Sequence[CountryRow]) -> dict[str, Any]:
    worst = answers.worst(COUNT).tolist()
    drawn, undrawn = shaded(countries)
    limits = [f"up to {radius:,} km" for radius in STEP_RADII_KM]
    return {
        "lands": lands(),
        "frame": frame(),
        "graticule": graticule(),
        "projection": NAME,
        "points": point_map(answers, worst=worst),
        "arc_titles": [
            f"{shown.key}: {kilometers(shown.distance_km)}, {shown.true} to {shown.predicted}"
            for shown in gallery(answers, worst, picture=None)
        ],
        "countries": countries,
        "shaded": drawn,
        "undrawn": undrawn,
        "few": FEW,
        "map_box": box(),
        "steps": [*limits, f"over {STEP_RADII_KM[-1]:,} km"],
    }


def _photographs(answers: Answers, seed: int, thumbnails: Picture | None) -> dict[str, Any]:
    worst = answers.worst(COUNT).tolist()
    drawn = random_rows(len(answers), COUNT, seed=seed)
    return {
        "worst": gallery(answers, worst, picture=thumbnails),
        "random": gallery(answers, drawn, picture=thumbnails),
        "pictures": thumbnails is not None,
    }
