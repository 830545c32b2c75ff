"""Small trees in the layouts in which benchmark sets are published."""

import io
import json
import tarfile
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from PIL import ExifTags, Image
from tests.sources import TOWNS, jpeg

PHOTOS = 8
_AUTHORS = ("19355699@N00", "8576809@N08", "35468147630@N01")
_PLACES365 = "IMG_ID,AUTHOR,LAT,LON,S3_Label,S16_Label,S365_Label,Prob_indoor"
_OSV5M = "id,latitude,longitude,thumb_original_url,sequence,region,sub-region,city,country"


def flickr_name(number: int) -> str:
    """A file name as IM2GPS has them."""
    return f"{104123223 + number}_7410c654ba_{number}_{_AUTHORS[number % 3]}.jpg"


def write_im2gps(folder: Path, without: Collection[int] = ()) -> Path:
    """Tables and photographs of two sets beside each other, as GeoEstimation has them."""
    images = folder / "images"
    for name in ("im2gps", "im2gps3k"):
        _places365(images / f"{name}_places365.csv", (flickr_name(n) for n in range(PHOTOS)))
        _photographs(images / name, flickr_name, without)
    return images / "im2gps"


def write_im2gps3k(folder: Path, without: Collection[int] = ()) -> Path:
    """A plain table over the unpacked archive."""
    table = folder / "im2gps3k.csv"
    _photographs(folder / "im2gps3ktest", flickr_name, without)
    lines = [f"{flickr_name(n)},{lat},{lon}" for n, (lat, lon) in enumerate(_points())]
    table.write_text("\n".join(["filename,latitude,longitude", *lines]) + "\n")
    return folder


def write_yfcc4k(folder: Path, without: Collection[int] = ()) -> Path:
    """Table and a folder of the set's own name."""
    _places365(folder / "yfcc4k_places365.csv", (flickr_name(n) for n in range(PHOTOS)))
    _photographs(folder / "yfcc4k", flickr_name, without)
    return folder


def write_yfcc26k(folder: Path, without: Collection[int] = ()) -> Path:
    """The table in a folder of metadata, the photographs by their hashes."""

    def name(number: int) -> str:
        return f"{number:02x}/9b/{6053684 + number}.jpg"

    _places365(folder / "metadata/yfcc25600_places365.csv", map(name, range(PHOTOS)))
    _photographs(folder / "yfcc25600", name, without)
    return folder


def write_osv5m(folder: Path, without: Collection[int] = ()) -> Path:
    """Both tables, and numbered folders; photographs to train on lie beside those to test on."""
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        lines = [_OSV5M]
        for number in range(PHOTOS):
            country, region, town, lat, lon = TOWNS[number % len(TOWNS)]
            lines.append(f"{_osv5m_id(part, number)},{lat},{lon},u,s,{region},,{town},{country}")
        (folder / f"{part}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        images = folder / "images" / part
        _photographs(images, partial(_osv5m_path, part), without if part == "test" else ())
    return folder


def write_osv5m_wds(folder: Path, without: Collection[int] = ()) -> Path:
    """The ready shards: tars of jpg and json; without a photograph its json stays alone."""
    (folder / "test").mkdir(parents=True)
    (folder / "test" / "sizes.json").write_text("{}")
    for number in range(PHOTOS):
        with tarfile.open(folder / "test" / f"{number // 4:04}.tar", "a") as tar:
            country, region, town, lat, lon = TOWNS[number % len(TOWNS)]
            fields = {"latitude": lat, "longitude": lon, "unique_country": country}
            fields |= {"unique_region": f"{region}_{country}", "unique_city": f"{town}_{country}"}
            if number not in without:
                _add(tar, f"{3_000_000 + number}.jpg", jpeg(number))
            _add(tar, f"{3_000_000 + number}.json", json.dumps(fields).encode())
    return folder


def write_country211(folder: Path, without: Collection[int] = ()) -> Path:
    """Three parts with a folder a country; the photographs know no coordinates."""
    for part in ("train", "valid", "test"):
        for start, code in ((0, "FR"), (PHOTOS // 2, "XK")):
            lost = [number - start for number in without] if part == "test" else []
            images = folder / "country211" / part / code
            _photographs(images, partial(_numbered, start), lost, count=PHOTOS // 2)
    return folder


def write_folder(folder: Path, without: Collection[int] = ()) -> Path:
    """Photographs with GPS in their EXIF."""
    folder.mkdir(parents=True)
    for number, (latitude, longitude) in enumerate(_points()):
        if number not in without:
            exif = Image.Exif()
            exif[ExifTags.IFD.GPSInfo] = {
                1: "N" if latitude >= 0 else "S",
                2: (abs(latitude), 0.0, 0.0),
                3: "E" if longitude >= 0 else "W",
                4: (abs(longitude), 0.0, 0.0),
            }
            with Image.open(io.BytesIO(jpeg(number))) as image:
                image.save(folder / f"{number}.jpg", exif=exif)
    return folder


def write_csv(folder: Path, without: Collection[int] = ()) -> Path:
    """A table of our own form."""
    _photographs(folder / "images", lambda number: f"{number}.jpg", without)
    lines = [f"images/{n}.jpg,{lat},{lon}" for n, (lat, lon) in enumerate(_points())]
    table = folder / "oslo.csv"
    table.write_text("\n".join(["image,latitude,longitude", *lines]) + "\n")
    return table


TREES: dict[str, Callable[..., Path]] = {
    "im2gps": write_im2gps,
    "im2gps3k": write_im2gps3k,
    "yfcc4k": write_yfcc4k,
    "yfcc26k": write_yfcc26k,
    "osv5m": write_osv5m,
    "osv5m (shards)": write_osv5m_wds,
    "country211": write_country211,
    "folder": write_folder,
    "csv": write_csv,
}


def _points() -> Iterator[tuple[float, float]]:
    for number in range(PHOTOS):
        yield TOWNS[number % len(TOWNS)][3:]


def _osv5m_id(part: str, number: int) -> int:
    return (3_000_000 if part == "test" else 9_000_000) + number


def _osv5m_path(part: str, number: int) -> str:
    return f"{number % 2:02}/{_osv5m_id(part, number)}.jpg"


def _numbered(start: int, number: int) -> str:
    return f"{start + number:05}.jpg"


def _places365(table: Path, names: Iterator[str]) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{name},{_AUTHORS[n % 3]},{lat},{lon},1,8,150,0.003"
        for n, (name, (lat, lon)) in enumerate(zip(names, _points(), strict=True))
    ]
    table.write_text("\n".join([_PLACES365, *lines]) + "\n")


def _photographs(
    folder: Path,
    name: Callable[[int], str],
    without: Collection[int],
    count: int = PHOTOS,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        if number not in without:
            path.write_bytes(jpeg(number))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
