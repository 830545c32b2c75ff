"""Columns against pyarrow's own conversion."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from streetclip.geo.columns import numbers, words


@pytest.mark.parametrize("kind", [pa.int16(), pa.int64(), pa.float64()])
def test_numbers_are_those_of_the_column(kind: pa.DataType) -> None:
    array = pa.array([3, 1, 2, 9], kind)
    assert numbers(array).tolist() == array.to_pylist()
    assert numbers(array.slice(1, 2)).tolist() == [1, 2]


def test_words_keep_their_order() -> None:
    assert words(pa.array(["b", "a", "b"])).tolist() == ["b", "a", "b"]


def test_locating_needs_neither_pandas_nor_torch(repository: Path) -> None:
    code = (
        "import sys; from streetclip.geo.locate import locate; locate(48.85, 2.29); "
        "print(sorted({'pandas', 'torch'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(repository / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "[]"
