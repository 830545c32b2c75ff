"""CSV and Parquet files give the same cells, and say why they give none."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streetclip.errors import ManifestError
from streetclip.manifest.read import read_manifest
from streetclip.manifest.table import read_header, read_rows

MakePhoto = Callable[..., Path]


def _write(folder: Path, text: str) -> Path:
    path = folder / "photos.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_parquet_reads_like_csv(tmp_path: Path, make_photo: MakePhoto) -> None:
    make_photo("a.jpg")
    make_photo("b.jpg")
    table = pa.table(
        {
            "image": ["a.jpg", "b.jpg", "c.jpg"],
            "latitude": [-22.57, None, 1.0],
            "longitude": [17.08, 2.0, 1.0],
            "country": ["NA", "FR", None],
            "species": ["Welwitschia", None, None],
        }
    )
    pq.write_table(table, tmp_path / "photos.parquet")
    manifest = read_manifest(tmp_path / "photos.parquet", columns=("species",))
    assert manifest.rows[0].place.country == "NA"
    assert dict(manifest.rows[0].columns) == {"species": "Welwitschia"}
    assert [row.reason for row in manifest.rejections] == ["no_coordinates", "missing_file"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(tmp_path: Path, make_photo: MakePhoto, delimiter: str) -> None:
    make_photo("a.jpg")
    rows = [["IMAGE", "Latitude", " longitude"], ["a.jpg", "1.5", "2.5"]]
    table = _write(tmp_path, "\ufeff" + "\n".join(delimiter.join(row) for row in rows))
    assert read_manifest(table).rows[0].place.longitude == 2.5


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("a.csv", b"", "is empty; allowed: a header and at least one row"),
        ("a.csv", b" , \n1,2\n", "is empty"),
        ("a.csv", b'image,latitude\n"a.jpg,1\n', "is no whole CSV"),
        ("a.csv", "image,town\na,M\u00fcnchen\n".encode("latin-1"), "is not UTF-8"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
        ("absent/a.csv", None, r"absent/a\.csv cannot be read; got: .*No such file"),
    ],
)
def test_a_file_that_is_no_table_says_why(
    tmp_path: Path, name: str, raw: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(ManifestError, match=message):
        list(read_rows(path, read_header(path)[:1]))


def test_every_line_that_is_not_blank_is_a_row_and_knows_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"x\ny"\n\n2\n3,z\n')
    rows = [(row.label, row.cells) for row in read_rows(path, ["b", "a"])]
    assert rows == [("line 3", ["x\ny", "1"]), ("line 5", None), ("line 6", ["z", "3"])]


def test_rows_of_parquet_are_counted_over_its_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streetclip.manifest.table._BATCH_ROWS", 2)
    path = tmp_path / "a.pq"
    pq.write_table(pa.table({"a": [1, 2, None], "b": [b"x", b"y", b"z"]}), path)
    rows = [(row.label, row.cells) for row in read_rows(path, ["a", "b"])]
    assert rows == [("row 1", [1, "b'x'"]), ("row 2", [2, "b'y'"]), ("row 3", [None, "b'z'"])]
