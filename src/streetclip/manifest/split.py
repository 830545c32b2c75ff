"""Train and validation by place, so that no town is in both."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from streetclip.errors import ManifestError
from streetclip.geo.countries import country_code
from streetclip.records import ManifestRow, Place

_CELL_DEG = 0.5


@dataclass(frozen=True, slots=True)
class Split:
    """Positions in a list of rows; every position is in exactly one half.

    Args:
        train: To learn from.
        val: To validate on.
    """

    train: list[int]
    val: list[int]


def split_by_place(
    rows: Sequence[ManifestRow],
    *,
    val_share: float,
    seed: int,
    holdout_countries: Sequence[str] = (),
) -> Split:
    """Gives whole towns, and whole countries that are held out, to validation.

    The choice depends on the seed and the towns' names alone, not on the order of the rows.

    Args:
        rows: With complete labels; photographs without a town are grouped by half a degree.
        val_share: Share of the places outside the held-out countries that goes to validation.
        seed: Another seed chooses other places.
        holdout_countries: ISO codes or names whose photographs are never trained on.

    Returns:
        The split.

    Raises:
        ManifestError: An unknown country, or nothing left for one of the halves.

    Example:
        >>> rows = [ManifestRow(f"/{t}", t, Place(1, 2, "FR", None, t)) for t in "aabc"]
        >>> split = split_by_place(rows, val_share=0.34, seed=0)
        >>> sorted({rows[i].name for i in split.train} & {rows[i].name for i in split.val})
        []
    """
    held_out = {_code(name) for name in holdout_countries}
    places = [place_name(row.place) for row in rows]
    countries = [row.place.country for row in rows]
    free = sorted(
        {place for place, code in zip(places, countries, strict=True) if code not in held_out},
        key=lambda place: hashlib.sha256(f"{seed}/{place}".encode()).digest(),
    )
    wanted = round(val_share * len(free))
    if val_share > 0:
        wanted = min(max(wanted, 1), len(free) - 1)
    chosen = set(free[: max(wanted, 0)])
    in_val = [
        place in chosen or code in held_out for place, code in zip(places, countries, strict=True)
    ]
    split = Split(
        [position for position, held in enumerate(in_val) if not held],
        [position for position, held in enumerate(in_val) if held],
    )
    _check_halves(split, len(free), held_out)
    return split


def place_name(place: Place) -> str:
    """The unit that is never cut in two: a town, or half a degree where there is no town.

    Args:
        place: With or without labels.

    Returns:
        ``"CC/Region/Town"``.

    Example:
        >>> place_name(Place(48.85, 2.35, "FR", "Ile-de-France", "Paris"))
        'FR/Ile-de-France/Paris'
        >>> place_name(Place(-48.2, 179.9))
        '//[-97, 359]'
    """
    if not place.has_point:
        return f"{place.country or ''}/{place.region or ''}/{place.town or ''}"
    cell = [math.floor(place.latitude / _CELL_DEG), math.floor(place.longitude / _CELL_DEG)]
    return f"{place.country or ''}/{place.region or ''}/{place.town or cell}"


def _code(name: str) -> str:
    code = country_code(name)
    if code is None:
        raise ManifestError(
            "holdout_countries names an unknown country", got=name, allowed="ISO codes or names"
        )
    return code


def _check_halves(split: Split, places: int, held_out: set[str]) -> None:
    got = f"{len(split.train)} to train on, {len(split.val)} to validate on, {places} places"
    if not split.train:
        raise ManifestError(
            "the split leaves nothing to train on",
            got=got + (f", {', '.join(sorted(held_out))} held out" if held_out else ""),
            remedy="hold out fewer countries, or set val_share=0 to make no split",
        )
    if not split.val:
        raise ManifestError(
            "the split leaves nothing to validate on",
            got=got,
            remedy="use photographs of two towns or more, or set val_share=0 to make no split",
        )
