"""From a source to shards: nothing vanishes, and the same source gives the same bytes."""

import csv
import gc
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import webdataset as wds
from PIL import Image
from tests.shards.conftest import all_bytes

from streetclip.captions.template import load_template
from streetclip.data.usable import Usable
from streetclip.errors import ManifestError, ShardError
from streetclip.shards.layout import open_shard_set
from streetclip.shards.read import ShardReader
from streetclip.shards.sample import parse_metadata
from streetclip.shards.verify import verify
from streetclip.shards.write import BuildOptions, build_shards

MakeSource = Callable[..., Path]
SMALL = BuildOptions(samples_per_shard=4, val_share=0.34, max_side_px=32)


def rejected(out: Path) -> dict[str, str]:
    with (out / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row["reason"] for row in csv.DictReader(file)}


def test_a_source_becomes_two_splits_that_share_no_town(
    make_source: MakeSource, tmp_path: Path
) -> None:
    report = build_shards(make_source(24), tmp_path / "out", options=SMALL)
    train, val = (open_shard_set(tmp_path / "out", split=split) for split in ("train", "val"))
    assert report.splits == {"train": 16, "val": 8}
    assert report.written == report.photographs == 24
    assert (len(train), len(val)) == (16, 8)
    assert train.samples_per_shard == (4, 4, 4, 4)
    assert len(train.towns) == 4
    assert len(val.towns) == 2
    assert not train.towns & val.towns
    assert sum(train.countries.values()) == 16
    assert verify(tmp_path / "out", Usable(load_template("street"))) == []
    assert not (tmp_path / "out" / ".build").exists()


def test_samples_hold_what_the_table_says_and_what_the_place_tells(
    make_source: MakeSource, tmp_path: Path
) -> None:
    source = make_source(6)
    build_shards(source, tmp_path / "out", options=BuildOptions(val_share=0))
    shard_set = open_shard_set(tmp_path / "out")
    reader = ShardReader(shard_set)
    digests = {
        hashlib.sha256((source.parent / f"{n:03}.jpg").read_bytes()).hexdigest()[:16]
        for n in range(6)
    }
    assert {reader.key(0, n).partition("_")[2] for n in range(6)} == digests
    assert [reader.key(0, n)[:9] for n in range(6)] == [f"{n:08}_" for n in range(6)]
    columns = [parse_metadata(reader.read(0, n).metadata) for n in range(6)]
    by_town = {each["town"]: each for each in columns}
    assert by_town["Windhoek"]["country"] == "NA"
    assert by_town["Windhoek"]["drives_left"] is True
    assert by_town["Paris"]["drives_left"] is False
    assert by_town["Paris"]["licence"] == "CC0"
    assert by_town["Paris"]["region"]


# webdataset leaves its tars to the garbage collector, which complains about them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_the_tars(make_source: MakeSource, tmp_path: Path) -> None:
    build_shards(make_source(7), tmp_path / "out", options=BuildOptions(val_share=0))
    path = tmp_path / "out" / "all" / "000000.tar"
    samples = list(wds.WebDataset(str(path), shardshuffle=False))
    reader = ShardReader(open_shard_set(tmp_path / "out"))
    assert [sample["__key__"] for sample in samples] == [reader.key(0, n) for n in range(7)]
    assert [sample["jpg"] for sample in samples] == [reader.read(0, n).image for n in range(7)]
    assert [sample["json"] for sample in samples] == [reader.read(0, n).metadata for n in range(7)]
    assert Image.open(io.BytesIO(samples[0]["jpg"])).mode == "RGB"
    gc.collect()


def test_rows_are_shuffled_by_the_seed(make_source: MakeSource, tmp_path: Path) -> None:
    source, keys = make_source(30), {}
    for seed in (0, 1):
        options = BuildOptions(val_share=0, seed=seed)
        build_shards(source, tmp_path / f"{seed}", options=options)
        reader = ShardReader(open_shard_set(tmp_path / f"{seed}"))
        keys[seed] = [reader.key(0, n).partition("_")[2] for n in range(30)]
    assert sorted(keys[0]) == sorted(keys[1])
    assert keys[0] != keys[1]


def test_every_photograph_that_is_not_written_is_listed(
    make_source: MakeSource, tmp_path: Path
) -> None:
    source = make_source(
        8,
        extra_lines=[
            "none.jpg,,,FR,,",
            "gone.jpg,1,2,,,",
            "lat.jpg,95,2,,,",
            "html.jpg,48.8,2.3,FR,Paris,",
            "half.jpg,48.8,2.3,FR,Paris,",
            "twin.jpg,48.8,2.3,FR,Paris,",
            "sea.jpg,-40,-120,,,",
        ],
    )
    folder = source.parent
    (folder / "html.jpg").write_text("<html>")
    big = io.BytesIO()
    Image.effect_noise((90, 70), 60).convert("RGB").save(big, "JPEG")
    (folder / "half.jpg").write_bytes(big.getvalue()[: len(big.getvalue()) // 2])
    (folder / "twin.jpg").write_bytes((folder / "001.jpg").read_bytes())
    (folder / "sea.jpg").write_bytes(big.getvalue())
    gone = hashlib.sha256((folder / "000.jpg").read_bytes()).hexdigest()
    also = hashlib.sha256((folder / "002.jpg").read_bytes()).hexdigest()[:16]
    (folder / "optout.txt").write_text(f"# asked for by mail\n{gone}\n00000007_{also}\n\n")
    options = BuildOptions(val_share=0, opt_out=folder / "optout.txt")
    report = build_shards(source, tmp_path / "out", options=options)
    assert rejected(tmp_path / "out") == {
        "none.jpg": "no_coordinates",
        "gone.jpg": "missing_file",
        "lat.jpg": "impossible_latitude",
        "html.jpg": "unreadable_image",
        "half.jpg": "unreadable_image",
        "twin.jpg": "duplicate_photograph",
        "sea.jpg": "no_country",
        "000.jpg": "opted_out",
        "002.jpg": "opted_out",
    }
    assert report.written == 6
    assert report.rejected["opted_out"] == 2
    assert sum(report.rejected.values()) + report.written == report.photographs == 15


def test_the_bytes_do_not_depend_on_the_number_of_processes(
    make_source: MakeSource, tmp_path: Path
) -> None:
    source = make_source(24)
    for processes in (1, 3):
        build_shards(source, tmp_path / f"{processes}", options=SMALL, processes=processes)
    assert all_bytes(tmp_path / "1") == all_bytes(tmp_path / "3")


def test_held_out_countries_are_kept_out_of_training(
    make_source: MakeSource, tmp_path: Path
) -> None:
    options = BuildOptions(val_share=0, holdout_countries=("Namibia", "JPN"))
    build_shards(make_source(12), tmp_path / "out", options=options)
    train, val = (open_shard_set(tmp_path / "out", split=split) for split in ("train", "val"))
    assert set(val.countries) == {"NA", "JP"}
    assert set(train.countries) == {"FR", "GB", "KE"}


def test_disagreements_are_counted_and_listed(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source(6, extra_lines=["x.jpg,48.8566,2.3522,Belgium,,"])
    shutil.copy(source.parent / "000.jpg", source.parent / "x.jpg")
    (source.parent / "000.jpg").unlink()
    report = build_shards(source, tmp_path / "out", options=BuildOptions(val_share=0))
    assert report.disagreements["country"] == 1
    with (tmp_path / "out" / "disagreements.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["field"] == "country"]
    assert [(row["name"], row["given"], row["located"]) for row in rows] == [("x.jpg", "BE", "FR")]
    assert "BE" in open_shard_set(tmp_path / "out").countries


def test_a_source_of_which_nothing_can_be_used_says_why(
    make_source: MakeSource, tmp_path: Path
) -> None:
    source = make_source(0, extra_lines=["a.jpg,95,2,,,"])
    with pytest.raises(ManifestError, match=r"not one of the 1 photographs .*impossible_latitude"):
        build_shards(source, tmp_path / "out")


def test_the_real_photographs_give_186_samples(real_photos: Path, tmp_path: Path) -> None:
    options = BuildOptions(samples_per_shard=100, max_side_px=128)
    report = build_shards(real_photos / "photos.csv", tmp_path / "out", options=options)
    assert report.written == 186
    assert report.rejected == {"no_coordinates": 13}
    build = json.loads((tmp_path / "out" / "build.json").read_text())
    assert build["photographs"] == 199
    assert len(rejected(tmp_path / "out")) == 13


def test_a_split_of_which_nothing_can_be_decoded_says_why(
    make_source: MakeSource, tmp_path: Path
) -> None:
    source = make_source(0, extra_lines=["half.jpg,48.8,2.3,FR,Paris,"])
    # The header tells a size, so that only decoding shows that the rest is missing.
    big = io.BytesIO()
    Image.effect_noise((90, 70), 60).convert("RGB").save(big, "JPEG")
    (source.parent / "half.jpg").write_bytes(big.getvalue()[: len(big.getvalue()) // 2])
    with pytest.raises(ShardError, match=r"of the all split can be .*half\.jpg: unreadable_image"):
        build_shards(source, tmp_path / "out", options=BuildOptions(val_share=0))
