"""Which country a disputed area counts to: one table, which a user can replace."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from streetclip.errors import PlaceError
from streetclip.geo.columns import read_columns
from streetclip.geo.countries import countries

_TABLES = Path(__file__).parent / "tables"
_COLUMNS = ("area", "name", "country", "reason")


@cache
def area_codes() -> Mapping[str, str]:
    """The country of every area as its packagers have it, before any policy.

    Returns:
        ISO codes by area, "" for an area without one.
    """
    columns = read_columns(_TABLES / "borders.parquet")
    return MappingProxyType(dict(zip(columns["area"], columns["country"], strict=True)))


def area_countries(disputes: Path | None = None) -> dict[str, str | None]:
    """The country of every area under a policy.

    Args:
        disputes: A CSV with the columns of ``tables/disputes.csv``. Its rows take the place of
            the rows of that table with the same area; the others stay.

    Returns:
        ISO codes by area, in the order of the border table; None for an area of nobody.

    Raises:
        PlaceError: The table cannot be read or is wrong; all its problems are listed.

    Example:
        >>> area_countries()["Q23681"]  # Northern Cyprus
        'CY'
    """
    chosen: dict[str, str | None] = {area: code or None for area, code in area_codes().items()}
    chosen.update(_shipped())
    if disputes is not None:
        chosen.update(_read(disputes))
    return chosen


@cache
def _shipped() -> Mapping[str, str | None]:
    return _read(_TABLES / "disputes.csv")


def _read(path: Path) -> dict[str, str | None]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            header = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlaceError(
            f"the table of disputed places {path} cannot be read",
            got=error,
            remedy=f"give a CSV in UTF-8 with the columns {', '.join(_COLUMNS)}",
        ) from error
    problems = [f"column '{name}' is missing" for name in _COLUMNS if name not in header]
    if not problems:
        problems = [text for line, row in enumerate(rows, 2) for text in _problems(line, row)]
        problems += _repeated([row["area"] or "" for row in rows])
    if problems:
        listed = "\n".join(f"  {i}. {text}" for i, text in enumerate(problems, 1))
        raise PlaceError(
            f"the table of disputed places {path} is wrong:\n{listed}",
            remedy=f"see {_TABLES / 'disputes.csv'} for a table that is right",
        )
    return {row["area"]: row["country"] or None for row in rows}


def _problems(line: int, row: Mapping[str, str | None]) -> list[str]:
    area, code, reason = (row[name] or "" for name in ("area", "country", "reason"))
    problems = []
    if area not in area_codes():
        problems.append(f"line {line}: there is no area '{area}'")
    if code and code not in countries():
        problems.append(f"line {line}: '{code}' is no ISO 3166-1 alpha-2 code")
    if not reason.strip():
        problems.append(f"line {line}: area '{area}' has no reason")
    return problems


def _repeated(areas: list[str]) -> list[str]:
    twice = sorted({area for area in areas if areas.count(area) > 1})
    return [f"area '{area}' stands in the table more than once" for area in twice]
