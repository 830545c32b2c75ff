"""A folder of rendered photographs, with EXIF and a table, as a person would bring them."""

import csv
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational
from rich.progress import track

from streetclip.errors import InputError
from streetclip.sampleworld.scene import render
from streetclip.sampleworld.towns import SPLITS, ranked_countries, towns_of
from streetclip.sampleworld.world import Facts, draw_facts, scene_of
from streetclip.shards.output import check_new_folder
from streetclip.shards.pool import in_processes

# Changes whenever the same seed would give another picture, so that built sets are made anew.
WORLD_VERSION = "2"
QUALITY = 92
COLUMNS = (
    "image",
    "latitude",
    "longitude",
    "country",
    "region",
    "town",
    "heading",
    "month",
    "licence",
    "source",
)
LICENCE = "CC0-1.0"
SOURCE = "streetclip sample world (rendered)"


def generate(
    out: Path,
    photos: int,
    *,
    seed: int,
    towns: str = "train",
    countries: int | None = 48,
    size_px: int = 128,
    processes: int | None = None,
    progress: bool = False,
) -> None:
    """Render photographs of streets into `out/images`, and write `out/photos.csv` beside them.

    Every photograph depends on seed and running number alone, so the number of processes changes
    nothing, and a longer set begins with the shorter one.

    Args:
        out: A folder that does not exist or is empty.
        photos: How many.
        seed: Decides every scene.
        towns: Which towns are photographed: `train`, `val` (never in both) or `all`.
        countries: How many countries, in the order of `ranked_countries`; None takes all.
        size_px: Side of the square photographs.
        processes: How many render; None takes one for each processor. They are spawned, so a
            script that calls this does so under `if __name__ == "__main__"`.
        progress: Show a progress bar.

    Raises:
        InputError: The folder is not empty, or a number is impossible.
    """
    _check(out, photos, towns, countries, size_px)
    codes = tuple(code for code in ranked_countries()[:countries] if towns_of(code, towns))
    facts = [draw_facts(seed, index, codes, towns) for index in range(photos)]
    (out / "images").mkdir(parents=True, exist_ok=True)
    jobs = [(fact, out / image_name(fact.index), size_px) for fact in facts]
    done: Iterable[None] = _work(jobs, processes or _processors())
    if progress:
        done = track(done, description="rendering", total=photos)
    for _ in done:
        pass
    _write_table(out / "photos.csv", facts)


def _check(out: Path, photos: int, towns: str, countries: int | None, size_px: int) -> None:
    check_new_folder(out, "output folder")
    for name, value, least in (("photos", photos, 1), ("size_px", size_px, 16)):
        if value < least:
            raise InputError(f"{name} is too small", got=value, allowed=f"{least} or more")
    if countries is not None and countries < 1:
        raise InputError("countries is too small", got=countries, allowed="1 or more, or none")
    if towns not in SPLITS:
        raise InputError("no such half of the towns", got=towns, allowed=", ".join(SPLITS))


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Job = tuple[Facts, Path, int]


def _work(jobs: list[Job], processes: int) -> Iterator[None]:
    if processes == 1 or len(jobs) < 2 * processes:
        yield from map(_write_photo, jobs)
        return
    yield from in_processes(_write_photo, jobs, processes=processes)


def image_name(index: int) -> str:
    """Path of a photograph below the output folder; it tells nothing but the running number."""
    return f"images/{index:06d}.jpg"


def _write_photo(job: Job) -> None:
    facts, path, size_px = job
    picture = render(scene_of(facts), size_px)
    picture.save(path, "JPEG", quality=QUALITY, exif=exif_of(facts))


def exif_of(facts: Facts) -> Image.Exif:
    """The EXIF block that a camera with GPS would have written."""
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = SOURCE
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = (
        f"2024:{facts.month:02d}:15 12:00:00"
    )
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N" if facts.latitude >= 0 else "S"
    gps[ExifTags.GPS.GPSLatitude] = _sexagesimal(facts.latitude)
    gps[ExifTags.GPS.GPSLongitudeRef] = "E" if facts.longitude >= 0 else "W"
    gps[ExifTags.GPS.GPSLongitude] = _sexagesimal(facts.longitude)
    gps[ExifTags.GPS.GPSImgDirectionRef] = "T"
    gps[ExifTags.GPS.GPSImgDirection] = IFDRational(facts.heading, 1)
    return exif


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds, exact to a tenth of a meter."""
    seconds = Fraction(round(abs(degrees) * 3_600_000), 1000)
    minutes, rest = divmod(seconds, 60)
    whole, minutes = divmod(minutes, 60)
    return (
        IFDRational(int(whole), 1),
        IFDRational(int(minutes), 1),
        IFDRational(rest.numerator, rest.denominator),
    )


def _write_table(path: Path, facts: list[Facts]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for fact in facts:
            town = fact.town
            table.writerow(
                (
                    image_name(fact.index),
                    f"{fact.latitude:.5f}",
                    f"{fact.longitude:.5f}",
                    town.country,
                    town.region,
                    town.name,
                    fact.heading,
                    fact.month,
                    LICENCE,
                    SOURCE,
                )
            )
