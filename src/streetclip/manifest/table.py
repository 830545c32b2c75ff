"""CSV and Parquet files as cells; what a cell means is not known here."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from streetclip.errors import ManifestError
from streetclip.manifest.schema import Cell

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".pq")
_LONGEST_CELL = 1 << 26
_BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table.

    Args:
        label: Where it stands, for messages: ``"line 7"`` or ``"row 7"``.
        cells: Values in the order of the header, or None where their number does not fit.
    """

    label: str
    cells: Sequence[Cell] | None


def read_header(path: Path) -> list[str]:
    """The columns of a table.

    Args:
        path: A CSV (UTF-8; comma, semicolon or tab) or Parquet file.

    Returns:
        Column names as they stand there.

    Raises:
        ManifestError: The file cannot be read, or is empty.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        with _parquet_errors(path):
            return [str(name) for name in pq.read_schema(path).names]
    with _csv_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=_delimiter(path), strict=True), [])
    if not any(column.strip() for column in header):
        raise ManifestError(f"{path} is empty", allowed="a header and at least one row")
    return header


def read_rows(path: Path, names: Sequence[str]) -> Iterator[TableRow]:
    """The rows of a table.

    Args:
        path: A CSV or Parquet file.
        names: Columns to read, as `read_header` names them.

    Yields:
        Rows in order; every line of the file that is not blank is one of them.

    Raises:
        ManifestError: The file cannot be read to its end.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        yield from _parquet_rows(path, names)
    else:
        yield from _csv_rows(path, names)


def _csv_rows(path: Path, names: Sequence[str]) -> Iterator[TableRow]:
    # A cell that is far too long rejects its row, not the table, so the reader must get past it.
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        with _csv_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=_delimiter(path), strict=True)
            header = next(reader)
            wanted = [header.index(name) for name in names]
            for cells in reader:
                if cells:
                    fits = len(cells) == len(header)
                    kept = [cells[position] for position in wanted] if fits else None
                    yield TableRow(f"line {reader.line_num}", kept)
    finally:
        csv.field_size_limit(limit)


def _parquet_rows(path: Path, names: Sequence[str]) -> Iterator[TableRow]:
    number = 0
    with _parquet_errors(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(names)):
            columns = [batch.column(name).to_pylist() for name in names]
            for cells in zip(*columns, strict=True):
                number += 1
                yield TableRow(f"row {number}", [_plain(cell) for cell in cells])


def _plain(cell: object) -> Cell:
    return cell if cell is None or isinstance(cell, str | int | float | bool) else str(cell)


def _delimiter(path: Path) -> str:
    """The one of comma, semicolon and tab that stands in the first line most often."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline(1 << 16)
    return max(",;\t", key=first.count)


@contextmanager
def _csv_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ManifestError(f"{path} cannot be read", got=error) from error
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{path} is not UTF-8", got=error, remedy="save the table as CSV in UTF-8"
        ) from error
    except csv.Error as error:
        raise ManifestError(
            f"{path} is no whole CSV",
            got=error,
            remedy="look for a quotation mark that is not closed",
        ) from error


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise ManifestError(f"{path} cannot be read as Parquet", got=error) from error
