"""Every photograph of a source is written as it should look, or is listed with a reason."""

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image
from tests.badthings.images import BAD_IMAGES
from tests.badthings.rows import BAD_ROWS, GOOD_ROW, HEADER
from tests.badthings.scene import encoded, scene, seen_colors

from streetclip.captions.template import load_template
from streetclip.data.usable import Usable
from streetclip.shards.layout import open_shard_set
from streetclip.shards.optout import make_key
from streetclip.shards.pool import Pool
from streetclip.shards.read import ShardReader
from streetclip.shards.scan import scan_photographs
from streetclip.shards.verify import verify
from streetclip.shards.write import BuildOptions, build_shards


def rejected(out: Path) -> list[tuple[str, str]]:
    with (out / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return [(row["name"], row["reason"]) for row in csv.DictReader(file)]


def test_bad_photographs_have_a_reason_and_odd_ones_the_right_colors(tmp_path: Path) -> None:
    lines = ["image,latitude,longitude,country"]
    for bad in BAD_IMAGES:
        (tmp_path / f"{bad.name}.jpg").write_bytes(bad.raw)
        lines.append(f"{bad.name}.jpg,48.85,2.35,FR")
    (tmp_path / "photos.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "out"
    report = build_shards(tmp_path / "photos.csv", out, options=BuildOptions(val_share=0))
    reasons = {f"{bad.name}.jpg": bad.reason for bad in BAD_IMAGES}
    assert sorted(rejected(out)) == sorted(
        (name, reason) for name, reason in reasons.items() if reason is not None
    )
    assert report.written + len(rejected(out)) == len(BAD_IMAGES)
    assert verify(out, Usable(load_template("street"))) == []
    paths = [str(tmp_path / f"{bad.name}.jpg") for bad in BAD_IMAGES]
    scanned = scan_photographs(paths, max_pixels=10**8, pool=Pool(1))
    odd = {make_key(0, str(found.sha256))[9:]: bad
           for bad, found in zip(BAD_IMAGES, scanned, strict=True)}  # fmt: skip
    shard_set = open_shard_set(out)
    reader = ShardReader(shard_set)
    for sample in range(len(shard_set)):
        raw = reader.read(0, sample)
        picture = odd[raw.key[9:]]
        with Image.open(io.BytesIO(raw.image)) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (96, 64))
            off = np.abs(seen_colors(np.asarray(image)) - np.array(picture.colors)).max()
        assert off <= picture.tolerance + 4, picture.name


def test_bad_rows_have_a_reason(tmp_path: Path) -> None:
    for name in ("good.jpg", "other.jpg"):
        (tmp_path / name).write_bytes(encoded(scene()))
    table = tmp_path / "photos.csv"
    lines = [HEADER, GOOD_ROW, *(bad.line for bad in BAD_ROWS), "other.jpg,48.85,2.35,FR,,,,,"]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = build_shards(table, tmp_path / "out", options=BuildOptions(val_share=0))
    assert report.written == 1
    reasons = sorted(reason for _, reason in rejected(tmp_path / "out"))
    assert reasons == sorted([*(bad.reason for bad in BAD_ROWS), "duplicate_photograph"])


def test_a_shard_whose_photographs_all_fail_is_left_out(tmp_path: Path) -> None:
    lines = ["image,latitude,longitude,country"]
    noise = encoded(Image.effect_noise((90, 70), 60).convert("RGB"))
    for number in range(6):
        (tmp_path / f"{number}.jpg").write_bytes(noise[: 2000 + number if number else None])
        lines.append(f"{number}.jpg,48.85,2.35,FR")
    (tmp_path / "photos.csv").write_text("\n".join(lines) + "\n")
    options = BuildOptions(val_share=0, samples_per_shard=1)
    report = build_shards(tmp_path / "photos.csv", tmp_path / "out", options=options)
    assert report.splits == {"all": 1}
    assert report.rejected == {"unreadable_image": 5}
    assert verify(tmp_path / "out", Usable(load_template("street"))) == []
