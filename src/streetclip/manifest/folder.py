"""A folder of photographs: where each was taken stands in its EXIF."""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from streetclip.errors import SampleError
from streetclip.geo.countries import countries
from streetclip.manifest.exif import read_exif
from streetclip.manifest.schema import make_place
from streetclip.records import ManifestRow, Place, Rejection

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".mpo", ".png", ".webp", ".tif", ".tiff"}
    | {".heic", ".heif", ".avif", ".gif", ".bmp"}
)


def find_photographs(folder: Path) -> list[Path]:
    """All photographs below a folder, in the order of their names.

    Args:
        folder: Where to look; hidden files and folders are passed over, links are not followed.

    Returns:
        Paths whose ending is that of a photograph.
    """
    return sorted(path for path in _walk(folder) if path.suffix.lower() in PHOTO_SUFFIXES)


def photographs_in(folder: Path) -> list[Path]:
    """The photographs of a folder without those of its subfolders, in the order of their names.

    Args:
        folder: Where to look; hidden files are passed over.

    Returns:
        Paths whose ending is that of a photograph.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
    )


def are_country_folders(folder: Path, photographs: Sequence[Path]) -> bool:
    """Whether photographs lie in folders named by ISO code, as those of Country211 do.

    Args:
        folder: The source.
        photographs: What lies below it.

    Returns:
        True where every photograph lies in such a folder and there are two of these or more.
    """
    names = {path.parent.name if path.parent != folder else "" for path in photographs}
    return len(names) > 1 and all(name in countries() for name in names)


def read_photograph(path: Path, folder: Path, *, country: str | None) -> ManifestRow | Rejection:
    """The row of one photograph, from its EXIF.

    Args:
        path: The file.
        folder: The source, from which the photograph takes its name.
        country: ISO code where the folder's name is one.

    Returns:
        A row, or why there is none.
    """
    name = path.relative_to(folder).as_posix()
    try:
        if not name.isprintable():
            raise SampleError("newline_in_text", "the file's name has a control character")
        exif = read_exif(path)
        place = make_place(exif.latitude, exif.longitude, country=country)
    except SampleError as error:
        return Rejection(name, error.reason, error.detail)
    return ManifestRow(
        str(path.absolute()), name, place, heading=exif.heading, month=exif.month, columns={}
    )


def read_country_photograph(path: Path, folder: Path) -> ManifestRow | Rejection:
    """The row of a photograph of which only the country shall count: its folder's name.

    Coordinates in its EXIF are passed over, so that all photographs of the set are measured alike.

    Args:
        path: The file.
        folder: The source, from which the photograph takes its name.

    Returns:
        A row without coordinates, or why there is none.
    """
    name = path.relative_to(folder).as_posix()
    if not name.isprintable():
        return Rejection(name, "newline_in_text", "the file's name has a control character")
    country = path.parent.name
    if country not in countries():
        return Rejection(name, "unknown_country", f"its folder is called {country}"[:100])
    return ManifestRow(str(path.absolute()), name, Place(math.nan, math.nan, country), columns={})


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(base, name) for name in files if not name.startswith("."))
