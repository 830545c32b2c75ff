"""Somebody else's tars become a shard set; nothing is lost without a word."""

import csv
import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import webdataset as wds
from tests.badthings.images import BAD_IMAGES
from tests.badthings.metadata import BAD_METADATA
from tests.badthings.scene import encoded, scene
from tests.badthings.shardset import PLACE, good_sample
from tests.badthings.tarbytes import plain
from tests.badthings.tars import BAD_TARS, BadTar

from streetclip.errors import ShardError
from streetclip.shards import index as module
from streetclip.shards.index import index_shards
from streetclip.shards.layout import open_shard_set
from streetclip.shards.read import ShardReader
from streetclip.shards.sidecar import sidecar_path

WriteTar = Callable[..., Path]
Members = list[tuple[str, bytes]]
Sample = Callable[[str], Members]
OSV5M = {
    "unique_country": "KE",
    "unique_region": "Nairobi Area_KE",
    "unique_sub-region": "NaN",
    "unique_city": "Nairobi_NaN_Nairobi Area_KE",
}


def rejected(folder: Path) -> list[tuple[str, str]]:
    with (folder / "rejected.csv").open(newline="") as file:
        return [(row["name"], row["reason"]) for row in csv.DictReader(file)]


def test_tars_of_osv5m_form_are_read_as_they_are(
    tmp_path: Path, make_jpeg: Callable[[int], bytes]
) -> None:
    for shard in range(2):
        with wds.TarWriter(str(tmp_path / f"{shard:05}.tar")) as writer:
            for number in range(3):
                fields = {"latitude": -1.28, "longitude": 36.8} | OSV5M
                image = make_jpeg(3 * shard + number)
                key = f"{shard}{number}"
                writer.write({"__key__": key, "jpg": image, "json": json.dumps(fields).encode()})
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.tar")}
    shard_set = index_shards(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.tar")} == before
    assert shard_set.samples_per_shard == (3, 3)
    assert dict(shard_set.countries) == {"KE": 6}
    assert shard_set.towns == {"KE/Nairobi Area/Nairobi"}
    reader = ShardReader(open_shard_set(tmp_path))
    assert reader.read(1, 2).image == make_jpeg(5)
    assert reader.read(1, 2).key == "12"
    assert rejected(tmp_path) == []


def test_several_processes_find_the_same(write_tar: WriteTar, sample: Sample) -> None:
    for number in range(3):
        folder = write_tar(sample(f"a{number}"), f"set/{number}.tar").parent
    assert index_shards(folder, processes=2).digest == index_shards(folder).digest


def test_an_index_takes_at_most_64_bytes_a_sample_beside_its_key(
    write_tar: WriteTar, sample: Sample
) -> None:
    path = write_tar([member for n in range(50) for member in sample(f"{n:08}_{n:016x}")])
    index_shards(path.parent)
    assert sidecar_path(path).stat().st_size <= 50 * (64 + 25)


def test_other_image_types_and_other_members_are_understood(
    write_tar: WriteTar, make_json: Callable[..., bytes], make_jpeg: Callable[[int], bytes]
) -> None:
    png = encoded(scene(), "PNG")
    path = write_tar(
        [
            *(("d/a.JPEG", make_jpeg(1)), ("d/a.cls", b"3"), ("d/a.json", make_json())),
            *(("d/b.json", make_json()), ("d/b.png", png), ("d/b.txt", b"x")),
            *(("d/c.webp", make_jpeg(1)), ("d/c.json", make_json())),
        ]
    )
    reader = ShardReader(index_shards(path.parent))
    assert [reader.key(0, n) for n in range(3)] == ["d/a", "d/b", "d/c"]
    assert reader.read(0, 1).image == png


def test_samples_that_cannot_be_used_are_listed(
    write_tar: WriteTar, sample: Sample, make_json: Callable[..., bytes]
) -> None:
    image = sample("x")[0][1]
    path = write_tar(
        [
            *sample("good"),
            ("nojson.jpg", image),
            ("noimage.json", make_json()),
            *(("two.jpg", image), ("two.png", image), ("two.json", make_json())),
            *(("lat.jpg", image), ("lat.json", make_json(latitude=95))),
            *(("empty.jpg", b""), ("empty.json", make_json())),
            *(("48.85_2.35.jpg", image), ("48.85_2.35.json", make_json())),
            *(("48.86_2.36.jpg", image), ("48.86_2.36.json", make_json())),
            ("README", b"no dot"),
        ]
    )
    shard_set = index_shards(path.parent)
    assert len(shard_set) == 1
    assert sorted(rejected(path.parent)) == sorted(
        [
            ("000000.tar/nojson", "no_metadata"),
            ("000000.tar/noimage", "no_image"),
            ("000000.tar/two", "two_images"),
            ("000000.tar/lat", "bad_latitude"),
            ("000000.tar/empty", "bad_image_size"),
            ("000000.tar/48.85_2.35.jpg", "dot_in_key"),
            ("000000.tar/48.85_2.35.json", "dot_in_key"),
            ("000000.tar/48.86_2.36.jpg", "dot_in_key"),
            ("000000.tar/48.86_2.36.json", "dot_in_key"),
            ("000000.tar/README", "no_key"),
        ]
    )


@pytest.mark.parametrize("bad", BAD_TARS, ids=lambda bad: bad.name)
def test_a_tar_is_taken_with_its_rejections_or_refused(tmp_path: Path, bad: BadTar) -> None:
    samples = [good_sample(number) for number in range(4)]
    (tmp_path / "0.tar").write_bytes(bad.make(samples))
    if bad.error is not None:
        with pytest.raises(ShardError, match=rf"0\.tar .*({bad.error})"):
            index_shards(tmp_path)
        return
    # A second tar, so that the set is not empty where the first one is.
    (tmp_path / "1.tar").write_bytes(plain([good_sample(9)]))
    shard_set = index_shards(tmp_path)
    reader = ShardReader(shard_set)
    keys = [reader.read(0, sample).key for sample in range(len(shard_set) - 1)]
    assert keys == [bad.new_keys.get(number, samples[number].key) for number in bad.kept]
    listed = {name.removeprefix("0.tar").removeprefix("/"): why for name, why in rejected(tmp_path)}
    assert listed == bad.rejected


def test_bad_photographs_and_metadata_are_left_out_as_far_as_the_index_looks(
    write_tar: WriteTar,
) -> None:
    members: Members = []
    expected = {}
    for bad in BAD_IMAGES:
        members += [(f"{bad.name}.jpg", bad.raw), (f"{bad.name}.json", PLACE)]
        expected[bad.name] = bad.index_reason
    image = good_sample(0).image
    for odd in BAD_METADATA:
        members += [(f"json-{odd.name}.jpg", image), (f"json-{odd.name}.json", odd.raw)]
        expected[f"json-{odd.name}"] = odd.index_reason
    folder = write_tar(members).parent
    shard_set = index_shards(folder)
    reader = ShardReader(shard_set)
    kept = [reader.key(0, sample) for sample in range(len(shard_set))]
    assert kept == [name for name, reason in expected.items() if reason is None]
    assert rejected(folder) == [
        (f"000000.tar/{name}", reason) for name, reason in expected.items() if reason is not None
    ]


def test_all_damaged_tars_are_named_together(write_tar: WriteTar, sample: Sample) -> None:
    for number in range(3):
        path = write_tar(sample("a"), f"set/{number}.tar")
        if number:
            path.write_bytes(path.read_bytes()[:1024])
    with pytest.raises(ShardError, match=r"2 of 3 tars cannot be indexed:(\n.*[12].tar.*){2}"):
        index_shards(path.parent)
    with pytest.raises(ShardError, match=r"`streetclip shards verify .*set --clean OUT`"):
        index_shards(path.parent)


def test_a_tar_that_cannot_be_read_for_a_moment_is_read_again(
    write_tar: WriteTar, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tar(sample("a")).parent
    real, errors = module.index_tar, iter([OSError(errno.EIO, "no luck")] * 2)

    def index_tar(tar: Path) -> module.IndexedTar:
        for error in errors:
            raise error
        return real(tar)

    monkeypatch.setattr("streetclip.shards.patience.time.sleep", lambda _: None)
    monkeypatch.setattr(module, "index_tar", index_tar)
    assert len(index_shards(folder)) == 1
    errors = iter([OSError(errno.EIO, "no luck")] * 9)
    with pytest.raises(ShardError, match=r"000000\.tar cannot be read, again and again"):
        index_shards(folder)


def test_nothing_to_index_says_so(tmp_path: Path, write_tar: WriteTar) -> None:
    with pytest.raises(ShardError, match="holds no tar"):
        index_shards(tmp_path)
    path = write_tar([])
    with pytest.raises(ShardError, match="has no usable sample"):
        index_shards(path.parent)
