"""A table of cities that the user has downloaded, in the columns of SimpleMaps World Cities."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64

from streetclip.errors import CityTableError
from streetclip.geo.gazetteer import Gazetteer

COLUMNS = ("city_ascii", "lat", "lng", "iso2", "admin_name", "population", "id")
_CODES = Path(__file__).parent / "tables" / "simplemaps_codes.csv"
# A wrong column makes every row wrong; more of them would hide the other problems of a protocol.
_MOST_PROBLEMS = 5


@dataclass(frozen=True)
class CityTable:
    """A user's table of cities.

    Args:
        path: Where it lies.
        digest: SHA-256 of its bytes, and of the codes that this package reads it with.
        towns: Its rows, in the order of the file; of equal populations the first row is first,
            and a city of unknown population comes after one of 0.
    """

    path: Path = field(compare=False)
    digest: str
    towns: Gazetteer = field(compare=False, repr=False)


def read_simplemaps(path: Path) -> CityTable:
    """Read a CSV of SimpleMaps World Cities.

    Args:
        path: The CSV; columns other than `COLUMNS` are not read.

    Returns:
        The table; names are those of the column ``city_ascii``, as they stand there.

    Raises:
        CityTableError: With what is wrong, columns before rows.

    Source: the columns are those of World Cities Basic 1.76 (simplemaps.com/data/world-cities).
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise CityTableError(str(path), [f"it cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise CityTableError(str(path), [f"it is not UTF-8: {error}"]) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        problems = _column_problems(reader.fieldnames or ())
        rows = [] if problems else list(reader)
    except csv.Error as error:
        raise CityTableError(str(path), [f"it is no CSV: {error}"]) from error
    towns, wrong = _towns(rows)
    problems += wrong
    if not problems and not rows:
        problems = ["it has no row"]
    if problems:
        raise CityTableError(str(path), problems)
    return CityTable(path, hashlib.sha256(raw + _CODES.read_bytes()).hexdigest(), towns)


@cache
def simplemaps_codes() -> Mapping[str, str]:
    """The ISO codes that stand for codes of SimpleMaps' own.

    Example:
        >>> simplemaps_codes()["XG"]
        'PS'
    """
    with _CODES.open(encoding="utf-8", newline="") as file:
        return MappingProxyType({row["iso2"]: row["code"] for row in csv.DictReader(file)})


def _column_problems(header: Sequence[str]) -> list[str]:
    problems = []
    for column in COLUMNS:
        if column not in header:
            near = get_close_matches(column, list(header), 1)
            hint = f"; is it '{near[0]}'?" if near else ""
            problems.append(f"column '{column}' is missing{hint}")
    return problems


def _towns(rows: Sequence[Mapping[str, str | None]]) -> tuple[Gazetteer, list[str]]:
    wrong: list[tuple[int, str]] = []
    inhabitants = _numbers(rows, "population", wrong, most=2.0**53, optional=True)
    unknown = np.isnan(inhabitants)
    codes = simplemaps_codes()
    iso = [row["iso2"] or "" for row in rows]
    names = [row["city_ascii"] or "" for row in rows]
    wrong += [(line, "city_ascii is empty") for line, name in enumerate(names, 2) if not name]
    towns = Gazetteer(
        id=_numbers(rows, "id", wrong, most=2.0**53).astype(np.int64),
        name=np.array(names, dtype=object),
        country=np.array([codes.get(code, code) for code in iso], dtype=object),
        region=np.array([row["admin_name"] or "" for row in rows], dtype=object),
        latitude=_numbers(rows, "lat", wrong, least=-90.0, most=90.0),
        longitude=_numbers(rows, "lng", wrong, least=-180.0, most=180.0),
        population=np.where(unknown, 0, inhabitants).astype(np.int64),
        order=np.arange(len(rows)) + len(rows) * unknown,
    )
    problems = [f"line {line}: {text}" for line, text in sorted(wrong)]
    if len(problems) > _MOST_PROBLEMS:
        more = len(problems) - _MOST_PROBLEMS
        problems = [*problems[:_MOST_PROBLEMS], f"and {more:,} more of this kind"]
    return towns, problems


def _numbers(
    rows: Sequence[Mapping[str, str | None]],
    column: str,
    wrong: list[tuple[int, str]],
    *,
    least: float = 0.0,
    most: float,
    optional: bool = False,
) -> Float64[np.ndarray, " m"]:
    """A column; what is wrong or, where it may be, left out is 0 or NaN."""
    values = np.zeros(len(rows))
    for place, row in enumerate(rows):
        text = row[column] or ""
        if optional and not text:
            values[place] = np.nan
            continue
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        # Written so that NaN is refused too.
        if least <= value <= most:
            values[place] = value
        else:
            problem = f"{column} must be {least:g} to {most:g}, not '{text}'"
            wrong.append((place + 2, problem))
    return values
