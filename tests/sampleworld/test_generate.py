"""Claims about generated folders."""

import csv
import hashlib
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from streetclip.errors import InputError
from streetclip.sampleworld.generate import COLUMNS, exif_of, generate
from streetclip.sampleworld.towns import Town
from streetclip.sampleworld.world import Facts


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "train"
    generate(out, 16, seed=3, countries=8, size_px=32, processes=1)
    return out


def test_the_number_of_processes_changes_no_byte(world: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", 16, seed=3, countries=8, size_px=32, processes=2)
    assert digests(world) == digests(tmp_path / "again")


def test_a_longer_set_begins_with_the_shorter_one(world: Path, tmp_path: Path) -> None:
    generate(tmp_path / "short", 5, seed=3, countries=8, size_px=32, processes=1)
    short, long = digests(tmp_path / "short"), digests(world)
    assert {name: long[name] for name in short if name.endswith(".jpg")} == {
        name: digest for name, digest in short.items() if name.endswith(".jpg")
    }


def test_the_table_names_every_photograph_and_its_place(world: Path) -> None:
    rows = table(world)
    assert tuple(rows[0]) == COLUMNS
    assert [row["image"] for row in rows] == [f"images/{i:06d}.jpg" for i in range(16)]
    assert all((world / row["image"]).exists() for row in rows)
    assert len({row["country"] for row in rows}) == 8


def test_exif_says_what_the_table_says(world: Path) -> None:
    for row in table(world):
        with Image.open(world / row["image"]) as image:
            exif = image.getexif()
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        latitude = degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef])
        longitude = degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef])
        assert latitude == pytest.approx(float(row["latitude"]), abs=2e-6)
        assert longitude == pytest.approx(float(row["longitude"]), abs=2e-6)
        assert float(gps[ExifTags.GPS.GPSImgDirection]) == float(row["heading"])
        taken = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal]
        assert int(taken.split(":")[1]) == int(row["month"])


def degrees(parts: tuple[float, float, float], side: str) -> float:
    whole, minutes, seconds = (float(part) for part in parts)
    return (whole + minutes / 60 + seconds / 3600) * (-1 if side in ("S", "W") else 1)


def test_exif_of_the_south_and_west_has_its_signs() -> None:
    town = Town(1, "Oruro", "BO", "Oruro", -17.98333, -67.125, 300_000)
    gps = exif_of(Facts(1, 0, town, -17.98333, -67.125, 359, 12)).get_ifd(ExifTags.IFD.GPSInfo)
    assert gps[ExifTags.GPS.GPSLatitudeRef] == "S"
    assert gps[ExifTags.GPS.GPSLongitudeRef] == "W"
    assert gps[ExifTags.GPS.GPSLatitude] == (17, 58, pytest.approx(59.988))
    assert gps[ExifTags.GPS.GPSLongitude] == (67, 7, pytest.approx(30))


def test_no_town_is_in_both_halves(world: Path, tmp_path: Path) -> None:
    generate(tmp_path / "val", 16, seed=3, towns="val", countries=8, size_px=32, processes=1)
    towns = [
        {(row["country"], row["region"], row["town"]) for row in table(folder)}
        for folder in (world, tmp_path / "val")
    ]
    assert not towns[0] & towns[1]


def test_a_folder_that_is_not_empty_is_refused(world: Path) -> None:
    with pytest.raises(InputError, match=r"not empty.*choose a new or empty folder"):
        generate(world, 1, seed=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"photos": 0}, "photos is too small; got: 0; allowed: 1 or more"),
        ({"size_px": 3}, "size_px is too small; got: 3; allowed: 16 or more"),
        ({"countries": 0}, "countries is too small; got: 0; allowed: 1 or more"),
        ({"towns": "test"}, "no such half of the towns; got: test"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, object], message: str
) -> None:
    options: dict[str, object] = {"photos": 2, "seed": 1, **wrong}
    photos = options.pop("photos")
    with pytest.raises(InputError, match=message):
        generate(tmp_path / "out", photos, **options)  # type: ignore[arg-type]  # wrong on purpose
    assert not (tmp_path / "out").exists()
