"""The columns of a table give away which known set it belongs to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.errors import ManifestError
from streetclip.manifest.presets import PRESETS, find_preset, has_columns, match_columns
from streetclip.manifest.read import read_manifest

MakePhoto = Callable[..., Path]


@pytest.mark.parametrize(
    ("header", "row", "photo"),
    [
        ("filename,latitude,longitude", "104_5@N00.jpg,1,2", "images/104_5@N00.jpg"),
        ("IMG_ID,LAT,LON,extra", "104_5@N00.jpg,1,2,x", "yfcc/104_5@N00.jpg"),
        ("id,latitude,longitude,region,sub-region,city,country", "17,1,2,R,,C,KE",
         "images/test/03/17.jpg"),
    ],
)  # fmt: skip
def test_known_benchmark_tables_are_found_by_their_columns(
    tmp_path: Path, make_photo: MakePhoto, header: str, row: str, photo: str
) -> None:
    path, table = make_photo(photo), tmp_path / "photos.csv"
    table.write_text(f"{header}\n{row}\n")
    manifest = read_manifest(table)
    assert [row.image for row in manifest.rows] == [str(path)]
    assert (manifest.rows[0].place.latitude, manifest.rows[0].place.longitude) == (1.0, 2.0)
    if "sub-region" in header:
        assert manifest.rows[0].place.town == "C"


OWN = PRESETS["own"]
POINT = ["image", "latitude", "longitude"]


def test_columns_are_found_in_any_case_and_by_their_other_names() -> None:
    header = [" Image", "LATITUDE", "longitude ", "City", "license", "Genus"]
    columns = match_columns(OWN, header, ["genus"], where="a.csv")
    assert (columns.image, columns.latitude, columns.longitude) == (" Image", "LATITUDE", header[2])
    assert (columns.town, columns.licence, columns.country) == ("City", "license", None)
    assert columns.declared == ("Genus",)


def test_the_first_form_that_is_there_as_a_whole_is_taken() -> None:
    both = ["LAT", "LON", "IMG_ID", "filename", "latitude", "longitude"]
    flickr = PRESETS["im2gps3k"]
    assert match_columns(flickr, both, [], where="a.csv").image == "filename"
    assert match_columns(flickr, both[:4], [], where="a.csv").image == "IMG_ID"
    assert has_columns(flickr, both[:3])
    assert not has_columns(flickr, both[:2])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["image", "longitude"], "a.csv lacks the column latitude; got: image, longitude; allowed"),
        (["image"], "lacks the columns latitude, longitude"),
        ([*POINT, "latitude"], "has the column 'latitude' twice"),
        ([*POINT, " Latitude"], "has the column 'Latitude' twice"),
        (POINT, "lacks columns that you declare; got: .*; allowed: genus"),
    ],
)
def test_columns_that_do_not_suffice_are_named(header: list[str], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        match_columns(OWN, header, ["genus"], where="a.csv")


@pytest.mark.parametrize(("header", "got"), [(["picture", "LAT"], "picture, LAT"), ([], "no colu")])
def test_a_header_that_names_no_photographs_is_refused(header: list[str], got: str) -> None:
    with pytest.raises(ManifestError, match=f"names the photographs; got: {got}.* IMG_ID, id with"):
        find_preset(None, header, "a.csv")
    assert find_preset("osv5m", header, "a.csv") is PRESETS["osv5m"]
