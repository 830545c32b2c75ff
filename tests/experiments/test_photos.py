"""Real photographs through the whole road; skipped where there are none."""

import csv
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.commandline import command

from streetclip.geo.distance import haversine_km
from streetclip.manifest.read import read_manifest

PHOTOGRAPHS, REJECTED, WITH_EXIF = 186, 13, 14


@pytest.mark.slow
def test_real_photographs_become_shards_and_train(
    real_photos: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    answer = command(
        "pretrain",
        "experiments/pretrain/photos.yaml",
        f"data.source={real_photos}/photos.csv",
        f"data.shards_dir={tmp_path}/shards",
        f"runs_dir={tmp_path}/runs",
        *("trainer.max_epochs=6", "trainer.progress=false", "data.workers=0"),
    )
    assert (answer.code, answer.err) == (0, "")
    assert f"{PHOTOGRAPHS} of {PHOTOGRAPHS + REJECTED} photographs written to" in answer.out
    (lists,) = (tmp_path / "shards").glob("*/rejected.csv")
    with lists.open(newline="", encoding="utf-8") as file:
        rejected = {row["name"]: row["reason"] for row in csv.DictReader(file)}
    assert len(rejected) == REJECTED
    assert all(rejected.values())
    build = json.loads((lists.parent / "build.json").read_text())
    assert sum(part["photographs"] for part in build["splits"].values()) == PHOTOGRAPHS
    run = tmp_path / "runs" / "photos" / "001"
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    losses = [float(row["train/loss"]) for row in rows if row["train/loss"]]
    assert len(losses) >= 6 * 3
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-3:]) < sum(losses[:3])
    assert sum(row["zeroshot/val/country_accuracy"] != "" for row in rows) == 7


def test_exif_and_table_say_the_same_place(real_photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "exif"
    folder.mkdir()
    for file in (real_photos / "images").glob("exif_gps_*"):
        shutil.copy(file, folder)
    found = read_manifest(folder)
    assert (len(found.rows), found.rejections) == (WITH_EXIF, [])
    listed = {
        Path(row.name).name: row.place for row in read_manifest(real_photos / "photos.csv").rows
    }
    for row in found.rows:
        theirs = listed[row.name]
        here = np.array([row.place.latitude, row.place.longitude])
        there = np.array([theirs.latitude, theirs.longitude])
        distance = haversine_km(here, there)
        assert float(distance) < 1, row.name


def test_a_folder_of_photographs_with_exif_is_a_source(real_photos: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "exif", tmp_path / "out"
    folder.mkdir()
    for file in (real_photos / "images").glob("exif_gps_*"):
        shutil.copy(file, folder)
    answer = command("shards", "build", folder, out, "--val-share", "0.2", "--processes", "1")
    assert answer.code == 0
    assert f"{WITH_EXIF} of {WITH_EXIF} photographs written to {out}" in answer.out
    assert command("shards", "verify", out, "--processes", "1").code == 0
