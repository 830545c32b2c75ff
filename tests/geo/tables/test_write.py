"""Equal rows give equal bytes."""

from pathlib import Path

import pyarrow.parquet as pq

from streetclip.geo.tables.write import GAZETTEER, write_table

ROW = {
    "id": 7,
    "name": "Windhoek",
    "country": "NA",
    "region": "",
    "population": 1,
    "latitude": -22.5594,
    "longitude": 17.0832,
}


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    assert write_table([ROW], path, schema=GAZETTEER) == path.stat().st_size
    assert pq.ParquetFile(path).read().to_pylist() == [ROW]


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet"):
        write_table([ROW, ROW], tmp_path / name, schema=GAZETTEER)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
