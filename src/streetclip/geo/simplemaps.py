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
    problems: list[str] = []
    read = [_numbers(row, line, problems) for line, row in enumerate(rows, start=2)]
    if len(problems) > _MOST_PROBLEMS:
        more = len(problems) - _MOST_PROBLEMS
        problems = [*problems[:_MOST_PROBLEMS], f"and {more:,} more of this kind"]
    identifier, latitude, longitude, population = (
        zip(*read, strict=True) if read else ((), (), (), ())
    )
    inhabitants = np.array(population, dtype=np.float64)
    unknown = np.isnan(inhabitants)
    codes = simplemaps_codes()
    iso = [row.get("iso2") or "" for row in rows]
    towns = Gazetteer(
        id=np.array(identifier, dtype=np.int64),
        name=np.array([row.get("city_ascii") for row in rows], dtype=object),
        country=np.array([codes.get(code, code) for code in iso], dtype=object),
        region=np.array([row.get("admin_name") or "" for row in rows], dtype=object),
        latitude=np.array(latitude, dtype=np.float64),
        longitude=np.array(longitude, dtype=np.float64),
        population=np.where(unknown, 0, inhabitants).astype(np.int64),
        order=np.arange(len(rows)) + len(rows) * unknown,
    )
    return towns, problems


def _numbers(
    row: Mapping[str, str | None], line: int, problems: list[str]
) -> tuple[int, float, float, float]:
    """Identifier, latitude, longitude and population; the last is NaN where it is unknown."""
    if not row.get("city_ascii"):
        problems.append(f"line {line}: city_ascii is empty")
    return (
        int(_number(row, "id", line, problems, most=2.0**53)),
        _number(row, "lat", line, problems, least=-90.0, most=90.0),
        _number(row, "lng", line, problems, least=-180.0, most=180.0),
        _number(row, "population", line, problems, most=2.0**53) if row["population"] else np.nan,
    )


def _number(
    row: Mapping[str, str | None],
    column: str,
    line: int,
    problems: list[str],
    *,
    least: float = 0.0,
    most: float,
) -> float:
    text = row[column] or ""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    # Written so that NaN is refused too.
    if not least <= value <= most:
        problems.append(f"line {line}: {column} must be {least:g} to {most:g}, not '{text}'")
        return 0.0
    return value
