"""Completes the labels of rows from their coordinates; what the user wrote wins."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from streetclip.geo.locate import Located, locate
from streetclip.records import ManifestRow, Rejection

MAX_TOWN_KM = 50.0
"""A town further away than this does not say where a photograph was taken."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A label of the user that the coordinates contradict; the label stays.

    Args:
        name: The photograph.
        latitude: Degrees.
        longitude: Degrees.
        field: ``country``, ``region`` or ``town``.
        given: What the user wrote.
        located: What the coordinates say; empty in the open sea.
    """

    name: str
    latitude: float
    longitude: float
    field: str
    given: str
    located: str


@dataclass(frozen=True)
class Labelled:
    """Rows with complete labels.

    Args:
        rows: Country, region and town filled in where the coordinates tell.
        rejections: Rows that nobody can give a country, such as those in the open sea.
        disagreements: Where user and coordinates differ.
    """

    rows: list[ManifestRow]
    rejections: list[Rejection]
    disagreements: list[Disagreement]


def complete_labels(rows: Sequence[ManifestRow], *, keep_unplaced: bool = False) -> Labelled:
    """Fills in country, region and town that the user did not give.

    A region or town is only filled in where the coordinates agree with the user about the country,
    so that no town is put into another country.

    Args:
        rows: As read; one without coordinates stays as it is.
        keep_unplaced: Keep rows that have no country; captions cannot use them, benchmarks can.

    Returns:
        Rows in the same order, rejections, and disagreements.
    """
    labelled = Labelled([], [], [])
    with_point = [row for row in rows if row.place.has_point]
    if not with_point:
        labelled.rows.extend(rows)
        return labelled
    latitude = np.array([row.place.latitude for row in with_point], dtype=np.float64)
    longitude = np.array([row.place.longitude for row in with_point], dtype=np.float64)
    located = locate(latitude, longitude)
    positions = iter(range(len(with_point)))
    for row in rows:
        if not row.place.has_point:
            labelled.rows.append(row)
            continue
        country, region, town = _labels(located, next(positions))
        labelled.disagreements.extend(_compare(row, country, region, town))
        completed = _complete(row, country, region, town)
        if completed.place.country is None and not keep_unplaced:
            detail = f"nobody's land at {row.place.latitude}, {row.place.longitude}"
            labelled.rejections.append(Rejection(row.name, "no_country", detail))
        else:
            labelled.rows.append(completed)
    return labelled


def _labels(located: Located, position: int) -> tuple[str | None, str | None, str | None]:
    near = located.town_distance_km[position] <= MAX_TOWN_KM
    return (
        located.country[position],
        located.region[position] or None,
        located.town[position] if near else None,
    )


def _complete(
    row: ManifestRow, country: str | None, region: str | None, town: str | None
) -> ManifestRow:
    given = row.place
    same_country = given.country is None or given.country == country
    place = replace(
        given,
        country=given.country or country,
        region=given.region or (region if same_country else None),
        town=given.town or (town if same_country else None),
    )
    return replace(row, place=place)


def _compare(
    row: ManifestRow, country: str | None, region: str | None, town: str | None
) -> list[Disagreement]:
    place = row.place
    pairs = (("country", place.country, country), ("region", place.region, region),
             ("town", place.town, town))  # fmt: skip
    return [
        Disagreement(row.name, place.latitude, place.longitude, field, given, found or "")
        for field, given, found in pairs
        if given is not None and not _same(given, found) and (found or field == "country")
    ]


def _same(given: str, found: str | None) -> bool:
    return found is not None and _key(given) == _key(found)


def _key(name: str) -> str:
    """Letters and digits alone: accents, case and punctuation are no disagreement."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if letter.isalnum())
