"""Columns of Parquet files as NumPy and lists, without the help of pandas.

Several ways of pyarrow import pandas where it is installed, for a third of a second.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Shaped


def read_columns(path: Path) -> dict[str, list[Any]]:
    """The columns of a small Parquet file as lists, without the help of pandas.

    Args:
        path: A Parquet file.

    Returns:
        Values by column name.
    """
    # pq.read_table would import pyarrow.dataset, and that pandas. A thread that arrow still starts
    # when a short command ends would abort it.
    table = pq.ParquetFile(path).read(use_threads=False)
    return {name: table[name].to_pylist() for name in table.column_names}


def numbers(array: Any) -> Shaped[np.ndarray, " n"]:
    """A column of numbers without missing values as NumPy.

    ``pyarrow.Array.to_numpy`` would import pandas, which costs a third of a second.

    Args:
        array: A pyarrow array of a fixed-width type.

    Returns:
        A copy that belongs to the caller.
    """
    dtype = np.dtype(str(array.type).replace("double", "float64"))
    values = np.frombuffer(array.buffers()[1], dtype=dtype)
    return np.array(values[array.offset : array.offset + len(array)])


def words(array: Any) -> Shaped[np.ndarray, " n"]:
    """A column of strings as an array of Python strings; equal strings are one object.

    Args:
        array: A pyarrow array of strings.

    Returns:
        An array of objects.
    """
    encoded = array.dictionary_encode()
    distinct = np.array(encoded.dictionary.to_pylist(), dtype=object)
    return np.asarray(distinct[numbers(encoded.indices)])
