"""Every photograph of a source becomes a row or a rejection."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.badthings.rows import BAD_ROWS, GOOD_ROW, HEADER, BadRow

from streetclip.errors import ManifestError
from streetclip.geo.distance import haversine_km
from streetclip.manifest.read import read_manifest

MakePhoto = Callable[..., Path]


def write_table(folder: Path, text: str, name: str = "photos.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_line_of_a_table_is_a_row_or_has_a_reason(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    for name in ("good", "place", "country", "month", "line"):
        make_photo(f"{name}.jpg")
    lines = {
        "good.jpg,48.85,2.35,France,Paris,7": None,
        "place.jpg,,,France,,": "no_coordinates",
        "country.jpg,48.85,2.35,Atlantis,,": "unknown_country",
        "month.jpg,48.85,2.35,,,13": "bad_month",
        'line.jpg,48.85,2.35,,"Par\nis",': "newline_in_text",
        "good.jpg,48.85,2.35,,,": "duplicate_row",
        "gone.jpg,48.85,2.35,,,": "missing_file",
        "good.jpg,95,2.35,,,": "impossible_latitude",
        "../good.jpg,1,2,,,": "path_outside_folder",
        "/etc/passwd,1,2,,,": "path_outside_folder",
        "http://a.example/b.jpg,1,2,,,": "not_a_file",
        ",1,2,,,": "no_image",
        "good.jpg,1": "malformed_row",
    }
    table = write_table(
        tmp_path, "image,latitude,longitude,country,city,month\n" + "\n".join(lines) + "\n"
    )
    manifest = read_manifest(table)
    assert [row.name for row in manifest.rows] == ["good.jpg"]
    assert manifest.rows[0].place.country == "FR"
    assert manifest.rows[0].place.town == "Paris"
    assert manifest.rows[0].month == 7
    expected = sorted(reason for reason in lines.values() if reason)
    assert sorted(rejection.reason for rejection in manifest.rejections) == expected


@pytest.mark.parametrize("bad", BAD_ROWS, ids=lambda bad: bad.name)
def test_a_bad_row_is_rejected_with_its_reason_and_nothing_else_is(
    bad: BadRow, tmp_path: Path, make_photo: MakePhoto
) -> None:
    make_photo("in/good.jpg")
    make_photo("above.jpg")
    manifest = read_manifest(write_table(tmp_path / "in", f"{HEADER}\n{GOOD_ROW}\n{bad.line}\n"))
    assert [row.name for row in manifest.rows] == ["good.jpg"]
    assert [rejection.reason for rejection in manifest.rejections] == [bad.reason]


def test_an_id_that_two_files_have_is_not_guessed(tmp_path: Path, make_photo: MakePhoto) -> None:
    make_photo("images/00/17.jpg")
    make_photo("images/01/17.jpg")
    table = write_table(tmp_path, "id,latitude,longitude,sub-region\n17,1,2,\n18,1,2,\n")
    reasons = [row.reason for row in read_manifest(table, preset="osv5m").rejections]
    assert reasons == ["ambiguous_file", "missing_file"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,longitude\na.jpg,2\n", "lacks the column latitude"),
        ("image,latitude,longitude\n", "has a header but no rows"),
        ("", "is empty"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_manifest(write_table(tmp_path, text))


def test_what_is_no_source_says_so(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file or folder"):
        read_manifest(tmp_path / "absent")
    with pytest.raises(ManifestError, match="holds no photographs"):
        read_manifest(tmp_path)
    with pytest.raises(ManifestError, match="is no table"):
        read_manifest(write_table(tmp_path, "x", "photos.docx"))


def test_wrong_options_are_refused(tmp_path: Path, make_photo: MakePhoto) -> None:
    make_photo("a.jpg")
    table = write_table(tmp_path, "image,latitude,longitude\na.jpg,1,2\n")
    with pytest.raises(ManifestError, match="no such preset; got: im2gp; allowed: own, im2gps"):
        read_manifest(table, preset="im2gp")
    with pytest.raises(ManifestError, match="lacks columns that you declare"):
        read_manifest(table, columns=("genus",))
    with pytest.raises(ManifestError, match="declared columns climate have a meaning"):
        read_manifest(table, columns=("climate",))
    with pytest.raises(ManifestError, match="a folder has no columns"):
        read_manifest(tmp_path, columns=("genus",))
    with pytest.raises(ManifestError, match="is for a folder of folders"):
        read_manifest(table, preset="country211")


def test_of_the_real_photographs_186_have_a_place_and_13_are_named(real_photos: Path) -> None:
    manifest = read_manifest(real_photos / "photos.csv")
    assert len(manifest.rows) == 186
    assert [row.reason for row in manifest.rejections] == ["no_coordinates"] * 13
    assert all(row.name.startswith("images/osv5m_website_") for row in manifest.rejections)


def test_exif_of_the_real_photographs_agrees_with_their_table(
    real_photos: Path, tmp_path: Path
) -> None:
    listed = {Path(row.name).name: row for row in read_manifest(real_photos / "photos.csv").rows}
    for path in (real_photos / "images").glob("exif_gps_*"):
        (tmp_path / path.name).symlink_to(path)
    manifest = read_manifest(tmp_path)
    assert len(manifest.rows) == 14
    assert not manifest.rejections
    for row in manifest.rows:
        truth = listed[row.name].place
        pair = np.array(
            [[place.latitude, place.longitude] for place in (truth, row.place)], dtype=np.float64
        )
        far = float(haversine_km(pair[0], pair[1]))
        assert far <= 1, row.name
