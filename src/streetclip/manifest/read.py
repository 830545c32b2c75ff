"""A folder, CSV or Parquet file becomes rows; what cannot become one is listed with its reason."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streetclip.errors import ManifestError, SampleError
from streetclip.manifest.folder import (
    PHOTO_SUFFIXES,
    are_country_folders,
    find_photographs,
    read_photograph,
)
from streetclip.manifest.presets import PRESETS, find_preset, match_columns
from streetclip.manifest.schema import RESERVED_COLUMNS, Cell, Columns, make_row, read_text
from streetclip.manifest.table import TABLE_SUFFIXES, TableRow, read_header, read_rows
from streetclip.records import ManifestRow, Rejection

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """The photographs of a source: every one is in exactly one of the two lists.

    Args:
        rows: Those that can be used, in the order of the source.
        rejections: Those that cannot, with reasons.
    """

    rows: list[ManifestRow]
    rejections: list[Rejection]


def read_manifest(
    source: Path, *, preset: str | None = None, columns: Sequence[str] = ()
) -> Manifest:
    """Reads which photographs there are, where they were taken and under which licence.

    Args:
        source: A folder of photographs with EXIF GPS, or a CSV or Parquet file with a column
            ``image`` (relative to the file's folder), ``latitude`` and ``longitude``, and where
            known ``country``, ``region``, ``town`` or ``city``, ``heading``, ``month``,
            ``licence``, ``source``; or with the columns of a preset.
        preset: Name of a known benchmark table; None finds it by the columns.
        columns: Further columns of the table that captions may use.

    Returns:
        Rows and rejections.

    Raises:
        ManifestError: The source as a whole cannot be used.
    """
    _check_declared(columns)
    if preset is not None and preset not in PRESETS:
        raise ManifestError("no such preset", got=preset, allowed=", ".join(PRESETS))
    if source.is_dir():
        return _read_folder(source, preset, columns)
    if not source.is_file():
        raise ManifestError(f"no photographs at {source}", got="no such file or folder")
    if source.suffix.lower() not in TABLE_SUFFIXES:
        raise ManifestError(
            f"{source} is no table of photographs",
            got=source.suffix or "no ending",
            allowed=", ".join(TABLE_SUFFIXES) + " or a folder",
        )
    return _read_table(source, preset, columns)


def _check_declared(columns: Sequence[str]) -> None:
    taken = [name for name in columns if name.strip().casefold() in RESERVED_COLUMNS]
    if taken:
        raise ManifestError(
            f"declared columns {', '.join(taken)} have a meaning of their own",
            remedy="leave them out; they are read anyway",
        )


def _read_folder(folder: Path, preset: str | None, columns: Sequence[str]) -> Manifest:
    if columns:
        raise ManifestError("a folder has no columns to declare", got=", ".join(columns))
    photographs = find_photographs(folder)
    if not photographs:
        raise ManifestError(
            f"{folder} holds no photographs",
            allowed="files ending in " + ", ".join(sorted(PHOTO_SUFFIXES)),
            remedy="give a folder of photographs with EXIF GPS, or a CSV or Parquet file",
        )
    by_country = preset == "country211"
    if preset is None and are_country_folders(folder, photographs):
        logger.info("%s: the folders' names are taken for countries", folder)
        by_country = True
    outcomes = (
        read_photograph(path, folder, country=_folder_country(path) if by_country else None)
        for path in photographs
    )
    return _sort_out(outcomes)


def _folder_country(path: Path) -> str | None:
    name = path.parent.name
    return name if len(name) == 2 and name.isupper() else None


def _read_table(path: Path, preset_name: str | None, declared: Sequence[str]) -> Manifest:
    header = read_header(path)
    preset = find_preset(preset_name, header, str(path))
    columns = match_columns(preset, header, declared, where=str(path))
    names = columns.names()
    finder = _Finder(path.parent, by_id=preset.by_id)
    manifest = _sort_out(_read_row(row, names, columns, finder) for row in read_rows(path, names))
    if not manifest.rows and not manifest.rejections:
        raise ManifestError(f"{path} has a header but no rows")
    return manifest


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
    row: TableRow, names: Sequence[str], columns: Columns, finder: "_Finder"
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
        columns=made.columns,
    )


class _Finder:
    """Finds the file that a table names, below the table's own folder and nowhere else."""

    def __init__(self, folder: Path, *, by_id: bool) -> None:
        self._folder = os.path.abspath(folder)  # noqa: PTH100 (links must stay as they are)
        self._by_id = by_id
        self._paths: dict[str, list[Path]] | None = None

    def check(self, name: str) -> None:
        """Refuses names that lead out of the folder, before anything else is looked at."""
        if "://" in name:
            raise SampleError("not_a_file", "photographs must be files beside the table")
        if os.path.commonpath([self._folder, self._join(name)]) != self._folder:
            raise SampleError("path_outside_folder", "lie the table above its photographs")

    def find(self, name: str) -> str:
        """The absolute path of a photograph."""
        path = self._join(name)
        if os.path.isfile(path):  # noqa: PTH113 (a Path for each of millions of rows is slow)
            return path
        if not self._by_id:
            raise SampleError("missing_file", path)
        found = self._named(Path(name).name)
        if not found:
            raise SampleError("missing_file", f"nothing of this name below {self._folder}")
        if len(found) > 1:
            raise SampleError("ambiguous_file", ", ".join(str(path) for path in found[:3]))
        return str(found[0])

    def _join(self, name: str) -> str:
        return os.path.normpath(os.path.join(self._folder, name))  # noqa: PTH118 (as above)

    def _named(self, name: str) -> list[Path]:
        if self._paths is None:
            self._paths = {}
            for path in find_photographs(Path(self._folder)):
                for key in {path.name, path.stem}:
                    self._paths.setdefault(key, []).append(path)
        return self._paths.get(name, [])
