"""`streetclip locate`: coordinates to country, region and town."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from streetclip.errors import InputError


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
    import pandas as pd

    from streetclip.geo.countries import countries
    from streetclip.geo.locate import locate

    if not source.is_file():
        raise InputError(f"no such table: {source}")
    table = pd.read_csv(source, keep_default_na=False, na_values=[""])
    missing = [name for name in ("latitude", "longitude") if name not in table]
    if missing:
        raise InputError(
            f"{source} has no column {' and '.join(missing)}", got=", ".join(table.columns)
        )
    numbers = [pd.to_numeric(table[name], errors="coerce") for name in ("latitude", "longitude")]
    usable = (numbers[0].abs() <= 90) & (numbers[1].abs() <= 180)
    found = locate(
        numbers[0][usable].to_numpy(float), numbers[1][usable].to_numpy(float), disputes=disputes
    )
    table.loc[usable, "country"] = found.country
    table.loc[usable, "country_name"] = [countries()[c].name if c else None for c in found.country]
    table.loc[usable, "region"] = found.region
    table.loc[usable, "town"] = found.town
    table.loc[usable, "town_distance_km"] = found.town_distance_km.round(3)
    table.to_csv(out, index=False)
    skipped = int((~usable).sum())
    note = f"; {skipped} without usable coordinates left empty" if skipped else ""
    print(f"{int(usable.sum())} of {len(table)} rows located{note}: {out}")
    return 0
