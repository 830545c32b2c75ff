"""A folder, CSV or Parquet file becomes rows; what cannot become one is listed with its reason."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from streetclip.errors import ManifestError, SampleError
from streetclip.manifest.finder import Finder
from streetclip.manifest.folder import (
    PHOTO_SUFFIXES,
    are_country_folders,
    find_photographs,
    read_country_photograph,
    read_photograph,
)
from streetclip.manifest.photographers import photographer_column, photographer_of
from streetclip.manifest.presets import PRESETS, find_preset, match_columns
from streetclip.manifest.schema import RESERVED_COLUMNS, Cell, Columns, make_row, read_text
from streetclip.manifest.sets import find_set, not_as_expected
from streetclip.manifest.table import TABLE_SUFFIXES, TableRow, read_header, read_rows
from streetclip.records import ManifestRow, Rejection

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """The photographs of a source: every one is in exactly one of the two lists.

    Args:
        rows: Those that can be used, in the order of the source.
        rejections: Those that cannot, with reasons.
        surplus: Names of photographs on the disk that the table does not name, for a benchmark.
    """

    rows: list[ManifestRow]
    rejections: list[Rejection]
    surplus: Sequence[str] = ()


def read_manifest(
    source: Path,
    *,
    preset: str | None = None,
    columns: Sequence[str] = (),
    benchmark: bool = False,
) -> Manifest:
    """Reads which photographs there are, where they were taken and under which licence.

    Args:
        source: A folder of photographs with EXIF GPS, or a CSV or Parquet file with a column
            ``image`` (relative to the file's folder), ``latitude`` and ``longitude``, and where
            known ``country``, ``region``, ``town`` or ``city``, ``heading``, ``month``,
            ``licence``, ``source``; or with the columns of a preset.
        preset: Name of a known benchmark set, for which ``source`` may also be the folder that
            its table lies in or beside; None finds the kind of a table by its columns.
        columns: Further columns of the table that captions may use.
        benchmark: The photographs are to be measured, every one of the set: what is missing and
            what is too much is listed, and the country alone is enough for those of Country211.

    Returns:
        Rows and rejections.

    Raises:
        ManifestError: The source as a whole cannot be used.
    """
    _check_declared(columns)
    place = find_set(source, preset)
    if place.table is None:
        return _read_folder(place.photographs, preset, columns, benchmark=benchmark)
    _check_table(place.table)
    manifest = _read_table(place.table, place.photographs, preset, columns, benchmark=benchmark)
    reasons = {rejection.reason for rejection in manifest.rejections}
    if preset is not None and not manifest.rows and reasons == {"missing_file"}:
        raise not_as_expected(
            preset,
            f"not one of the {len(manifest.rejections)} photographs of {place.table} lies in "
            f"{place.photographs}",
            got=f"looked for {', '.join(row.name for row in manifest.rejections[:3])}",
        )
    return manifest


def _check_table(table: Path) -> None:
    if not table.is_file():
        raise ManifestError(f"no photographs at {table}", got="no such file or folder")
    if table.suffix.lower() not in TABLE_SUFFIXES:
        raise ManifestError(
            f"{table} is no table of photographs",
            got=table.suffix or "no ending",
            allowed=", ".join(TABLE_SUFFIXES) + " or a folder",
        )


def _check_declared(columns: Sequence[str]) -> None:
    taken = [name for name in columns if name.strip().casefold() in RESERVED_COLUMNS]
    if taken:
        raise ManifestError(
            f"declared columns {', '.join(taken)} have a meaning of their own",
            remedy="leave them out; they are read anyway",
        )


def _read_folder(
    folder: Path, preset: str | None, columns: Sequence[str], *, benchmark: bool
) -> Manifest:
    if columns:
        raise ManifestError("a folder has no columns to declare", got=", ".join(columns))
    photographs = find_photographs(folder)
    if not photographs:
        raise ManifestError(
            f"{folder} holds no photographs",
            allowed="files ending in " + ", ".join(sorted(PHOTO_SUFFIXES)),
            remedy="give a folder of photographs with EXIF GPS, or a CSV or Parquet file",
        )
    by_country = preset is not None and PRESETS[preset].country_folders
    if by_country and benchmark:
        return _country_folders(folder, photographs, PRESETS[str(preset)].per_folder or 0)
    if preset is None and are_country_folders(folder, photographs):
        logger.info("%s: the folders' names are taken for countries", folder)
        by_country = True
    outcomes = (
        read_photograph(path, folder, country=_folder_country(path) if by_country else None)
        for path in photographs
    )
    return _sort_out(outcomes)


def _country_folders(folder: Path, photographs: Sequence[Path], each: int) -> Manifest:
    """A set without coordinates; where a folder holds too few, nobody knows how they are called."""
    manifest = _sort_out(read_country_photograph(path, folder) for path in photographs)
    for name, count in sorted(Counter(path.parent.name for path in photographs).items()):
        manifest.rejections.extend(
            Rejection(f"{name}/ ({number} of {each})", "missing_file", "not in its folder")
            for number in range(count + 1, each + 1)
        )
    return manifest


def _folder_country(path: Path) -> str | None:
    name = path.parent.name
    return name if len(name) == 2 and name.isupper() else None


def _read_table(
    path: Path,
    photographs: Path,
    preset_name: str | None,
    declared: Sequence[str],
    *,
    benchmark: bool,
) -> Manifest:
    header = read_header(path)
    preset = find_preset(preset_name, header, str(path))
    columns = match_columns(preset, header, declared, where=str(path))
    column = photographer_column(header) if benchmark else None
    names = list(dict.fromkeys([*columns.names(), *([column] if column else [])]))
    taken_by = partial(photographer_of, column=column) if benchmark else None
    finder = Finder(photographs, by_id=preset.by_id)
    manifest = _sort_out(
        _read_row(row, names, columns, finder, taken_by) for row in read_rows(path, names)
    )
    if not manifest.rows and not manifest.rejections:
        raise ManifestError(f"{path} has a header but no rows")
    if not benchmark:
        return manifest
    used = (row.image for row in manifest.rows)
    refused = (rejection.name for rejection in manifest.rejections)
    return replace(manifest, surplus=finder.surplus(used, refused))


def _sort_out(outcomes: Iterable[ManifestRow | Rejection]) -> Manifest:
    """Splits rows from rejections; a file that is listed twice is used once."""
    rows: list[ManifestRow] = []
    rejections: list[Rejection] = []
    seen: set[str] = set()
    for outcome in outcomes:
        if isinstance(outcome, Rejection):
            rejections.append(outcome)
        elif outcome.image in seen:
            rejections.append(Rejection(outcome.name, "duplicate_row", "listed before"))
        else:
            seen.add(outcome.image)
            rows.append(outcome)
    return Manifest(rows, rejections)


def _read_row(
    row: TableRow,
    names: Sequence[str],
    columns: Columns,
    finder: Finder,
    taken_by: Callable[[Mapping[str, Cell], str], dict[str, str]] | None,
) -> ManifestRow | Rejection:
    if row.cells is None:
        return Rejection(row.label, "malformed_row", "its number of cells is not the header's")
    cells: Mapping[str, Cell] = dict(zip(names, row.cells, strict=True))
    name = row.label
    try:
        text = read_text(cells[columns.image], columns.image)
        if text is None:
            raise SampleError("no_image", f"column {columns.image} is empty")
        name = text
        finder.check(text)
        made = make_row(cells, columns, image="", name=text)
        image = finder.find(text)
    except SampleError as error:
        return Rejection(name, error.reason, f"{row.label}: {error.detail}")
    return ManifestRow(
        image,
        text,
        made.place,
        heading=made.heading,
        month=made.month,
        licence=made.licence,
        source=made.source,
        columns={**(taken_by(cells, text) if taken_by else {}), **made.columns},
    )
