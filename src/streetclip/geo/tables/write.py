"""The tables as Parquet files, with the encodings that make them small."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

GAZETTEER = pa.schema(
    [
        ("id", pa.int64()),
        ("name", pa.string()),
        ("country", pa.string()),
        ("region", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("population", pa.int64()),
    ]
)
BORDERS = pa.schema(
    [("area", pa.string()), ("name", pa.string()), ("country", pa.string()), ("wkb", pa.binary())]
)
REGIONS = pa.schema([("country", pa.string()), ("region", pa.string()), ("wkb", pa.binary())])
OUTLINES = pa.schema([("country", pa.string()), ("wkb", pa.binary())])

# A dictionary pays where values repeat; it would store every coordinate twice.
_DICTIONARY = {"country", "region", "population"}


def write_table(rows: Sequence[Mapping[str, Any]], path: Path, *, schema: pa.Schema) -> int:
    """Write rows as one Parquet file; equal rows give equal bytes.

    Args:
        rows: One mapping a row.
        path: Where to.
        schema: Names and types of the columns.

    Returns:
        Bytes written.
    """
    pq.write_table(
        pa.Table.from_pylist(list(rows), schema=schema),
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in schema.names if name in _DICTIONARY],
        row_group_size=max(len(rows), 1),
    )
    return path.stat().st_size
