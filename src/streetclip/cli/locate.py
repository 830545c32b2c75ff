"""`streetclip locate`: coordinates to country, region and town."""

import argparse
import csv
import json
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from streetclip.errors import InputError

ADDED = ("country", "country_name", "region", "town", "town_distance_km")
_BLOCK = 65_536


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("latitude", nargs="?", type=float, help="degrees north")
    parser.add_argument("longitude", nargs="?", type=float, help="degrees east")
    parser.add_argument("--csv", type=Path, help="a table with latitude and longitude")
    parser.add_argument("--out", type=Path, help="the same table with the places added")
    parser.add_argument("--disputes", type=Path, help="a table of disputed places of your own")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Locate one point, or every row of a table."""
    if arguments.csv is not None:
        if arguments.out is None:
            raise InputError("--csv needs --out", remedy="name the table to write with --out")
        return _table(arguments.csv, arguments.out, arguments.disputes)
    if arguments.latitude is None or arguments.longitude is None:
        raise InputError(
            "locate needs a point or a table",
            allowed="streetclip locate LATITUDE LONGITUDE, or --csv IN --out OUT",
        )
    print(json.dumps(_point(arguments.latitude, arguments.longitude, arguments.disputes)))
    return 0


def _point(latitude: float, longitude: float, disputes: Path | None) -> dict[str, Any]:
    from streetclip.geo.countries import countries
    from streetclip.geo.locate import locate

    found = locate([latitude], [longitude], disputes=disputes)
    code = found.country[0]
    distance = float(found.town_distance_km[0])
    return {
        "country": code,
        "country_name": countries()[code].name if code else None,
        "region": found.region[0],
        "town": found.town[0],
        "town_distance_km": round(distance, 3) if math.isfinite(distance) else None,
    }


def _table(source: Path, out: Path, disputes: Path | None) -> int:
    if not source.is_file():
        raise InputError(f"no such table: {source}")
    if not out.parent.is_dir():
        raise InputError(f"no such folder: {out.parent}", remedy="make it, or name another --out")
    partial = out.with_name(out.name + ".partial")
    try:
        with (
            source.open(newline="", encoding="utf-8-sig") as given,
            partial.open("w", newline="", encoding="utf-8") as made,
        ):
            located, total = _copy(given, made, source, disputes)
        partial.replace(out)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{source} cannot be copied to {out}",
            got=error,
            remedy="give a whole CSV in UTF-8 with one header line",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    kept = total - located
    note = f"; {kept} without usable coordinates stay as they are" if kept else ""
    print(f"{located} of {total} rows located{note}: {out}")
    return 0


def _copy(given: TextIO, made: TextIO, source: Path, disputes: Path | None) -> tuple[int, int]:
    """Copy a table with the places added, some rows at a time; how many have one, and of how many.

    Cells are text and stay as they are: a table that is read as numbers and written again has lost
    leading zeros, and the code of Namibia.
    """
    delimiter = max(",;\t", key=given.readline().count)
    given.seek(0)
    rows = (row for row in csv.reader(given, delimiter=delimiter, strict=True) if row)
    header = next(rows, [])
    names = [name.strip().casefold() for name in header]
    missing = [name for name in ("latitude", "longitude") if name not in names]
    if missing:
        got = ", ".join(header) or "an empty table"
        raise InputError(f"{source} has no column {' and '.join(missing)}", got=got)
    point = (names.index("latitude"), names.index("longitude"))
    added = [name for name in ADDED if name not in names]
    positions = [[*names, *added].index(name) for name in ADDED]
    writer = csv.writer(made, delimiter=delimiter, lineterminator="\n")
    writer.writerow([*header, *added])
    located = total = 0
    while block := list(islice(rows, _BLOCK)):
        whole = [row for row in block if _coordinates(row, point, len(header)) is not None]
        for row, values in zip(whole, _places(whole, point, disputes), strict=True):
            row += [""] * len(added)
            for position, value in zip(positions, values, strict=True):
                row[position] = value
        writer.writerows(block)
        located, total = located + len(whole), total + len(block)
    return located, total


def _coordinates(
    row: Sequence[str], point: tuple[int, int], width: int
) -> tuple[float, float] | None:
    """Where a row says that it is; None where that is no place on Earth."""
    try:
        latitude, longitude = (float(row[position]) for position in point)
    except (ValueError, IndexError):
        return None
    whole = len(row) == width and abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if whole else None


def _places(
    rows: Sequence[Sequence[str]], point: tuple[int, int], disputes: Path | None
) -> Iterator[tuple[str, ...]]:
    from streetclip.geo.countries import countries
    from streetclip.geo.locate import locate

    latitude, longitude = ([float(row[position]) for row in rows] for position in point)
    found = locate(latitude, longitude, disputes=disputes)
    for code, region, town, distance in zip(
        found.country, found.region, found.town, found.town_distance_km.tolist(), strict=True
    ):
        near = f"{distance:.3f}" if math.isfinite(distance) else ""
        yield code or "", countries()[code].name if code else "", region or "", town or "", near
