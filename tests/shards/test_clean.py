"""A clean shard set holds every good sample as it was, and a list of all others."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from tests.badthings.checks import check_header
from tests.badthings.images import BAD_IMAGES
from tests.badthings.shardset import PLACE, good_sample, write_shards
from tests.badthings.tarbytes import GoodSample, data_of, flipped_at, plain
from tests.badthings.tars import BAD_TARS, BOMB_MARK, BadTar
from tests.shards.conftest import all_bytes
from tests.sources import read_with_webdataset, write_table

from streetclip.captions.template import load_template
from streetclip.data.usable import Usable
from streetclip.errors import ShardError
from streetclip.shards import clean as module
from streetclip.shards.clean import clean
from streetclip.shards.layout import open_shard_set
from streetclip.shards.verify import verify
from streetclip.shards.write import BuildOptions, build_shards

USABLE = Usable(load_template("street"))
SAMPLES = [good_sample(number) for number in range(6)]
BAD = [GoodSample(f"bad{number}", b"no picture", PLACE) for number in range(3)]


def rejected(out: Path) -> dict[str, str]:
    with (out / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row["reason"] for row in csv.DictReader(file)}


def samples_of(folder: Path) -> list[GoodSample]:
    """What an independent reader finds in the tars of a folder."""
    read = read_with_webdataset(sorted(folder.glob("*.tar")))
    return [GoodSample(each["__key__"], each["jpg"], each["json"]) for each in read]


def test_good_samples_stay_byte_for_byte_and_all_others_are_listed(tmp_path: Path) -> None:
    images = [GoodSample(bad.name, bad.raw, PLACE) for bad in BAD_IMAGES]
    source = write_shards(tmp_path / "in", [[*SAMPLES[:2], *images], SAMPLES[2:]])
    before = all_bytes(tmp_path / "in")
    done = clean(tmp_path / "in", tmp_path / "out", USABLE)
    assert all_bytes(tmp_path / "in") == before
    bad = {sample.name: sample.reason for sample in BAD_IMAGES if sample.reason is not None}
    expected = [each for each in SAMPLES[:2] + images + SAMPLES[2:] if each.key not in bad]
    assert samples_of(tmp_path / "out") == expected
    assert rejected(tmp_path / "out") == {f"000000.tar/{key}": why for key, why in bad.items()}
    assert done.kept + len(done.rejections) == len(source) == 6 + len(images)
    assert verify(tmp_path / "out", USABLE) == []
    made = open_shard_set(tmp_path / "out")
    assert made.samples_per_shard == (2 + len(images) - len(bad), 4)
    assert made.options["cleaned_from"] == source.digest
    assert dict(made.countries) == {"FR": done.kept}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("000000.tar", "000000.tar.index", "000001.tar", "000001.tar.index"),
        *("rejected.csv", "shards.json"),
    ]


def test_of_our_own_shards_without_a_problem_everything_but_one_note_is_equal(
    tmp_path: Path,
) -> None:
    table = write_table(tmp_path / "source", 12)
    build_shards(table, tmp_path / "in", options=BuildOptions(val_share=0.3, samples_per_shard=4))
    done = clean(tmp_path / "in", tmp_path / "out", USABLE)
    assert (done.kept, done.rejections, done.problems) == (12, [], [])
    before, after = all_bytes(tmp_path / "in"), all_bytes(tmp_path / "out")
    ours = {name for name in before if name.endswith((".tar", ".tar.index"))}
    assert len(ours) == 8
    assert {name: after[name] for name in ours} == {name: before[name] for name in ours}
    for split in ("train", "val"):
        old, new = (json.loads(files[f"{split}/shards.json"]) for files in (before, after))
        assert new["options"].pop("cleaned_from") == old["digest"]
        assert new == old
    assert after["rejected.csv"] == b"name,reason,detail\n"


@pytest.mark.parametrize("bad", BAD_TARS, ids=lambda bad: bad.name)
def test_tars_without_an_index_give_what_can_be_reached_and_run_no_code(
    bad: BadTar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.tar").write_bytes(bad.make(SAMPLES[:4]))
    (tmp_path / "in" / "1.tar").write_bytes(plain([SAMPLES[5]]))
    done = clean(tmp_path / "in", tmp_path / "out", USABLE)
    expected = [
        GoodSample(bad.new_keys.get(at, SAMPLES[at].key), SAMPLES[at].image, SAMPLES[at].metadata)
        for at in bad.kept
    ]
    assert samples_of(tmp_path / "out") == [*expected, SAMPLES[5]]
    assert done.kept == len(bad.kept) + 1
    assert bool(done.rejections) == bool(bad.rejected or bad.error)
    assert not (tmp_path / BOMB_MARK).exists()
    assert verify(tmp_path / "out", USABLE) == []


def test_an_index_still_reaches_what_lies_behind_the_damage(tmp_path: Path) -> None:
    tar = write_shards(tmp_path / "in", [SAMPLES]).path(0)
    raw = bytearray(tar.read_bytes())
    raw[data_of(2)(bytes(raw)) - 500] ^= 1  # a header, and a byte of another photograph
    raw[data_of(6)(bytes(plain(SAMPLES))) + 300] ^= 1
    tar.write_bytes(raw)
    done = clean(tmp_path / "in", tmp_path / "out", USABLE)
    assert samples_of(tmp_path / "out") == SAMPLES[:3] + SAMPLES[4:]
    assert rejected(tmp_path / "out") == {"000000.tar/0003": "image_checksum"}
    assert [each.reason for each in done.problems] == [
        "tar_digest",
        "damaged_tar",
        "image_checksum",
    ]


def test_without_its_index_a_tar_is_walked_and_what_is_lost_is_listed(tmp_path: Path) -> None:
    tar = write_shards(tmp_path / "in", [SAMPLES, SAMPLES[:0] + BAD[:1]]).path(0)
    tar.with_name("000000.tar.index").unlink()
    tar.write_bytes(flipped_at(data_of(4), -400)(SAMPLES))
    clean(tmp_path / "in", tmp_path / "out", USABLE)
    # The sample before the damage is doubtful, the one after it has lost its photograph.
    assert samples_of(tmp_path / "out") == SAMPLES[:1] + SAMPLES[3:]
    assert rejected(tmp_path / "out") == {
        "000000.tar": "damaged_tar",
        "000000.tar/0001": "damaged_tar",
        "000000.tar/0002": "no_image",
        "000001.tar/bad0": "unreadable_image",
    }
    assert open_shard_set(tmp_path / "out").samples_per_shard == (4,)


def test_a_missing_tar_costs_only_its_own_samples(tmp_path: Path) -> None:
    write_shards(tmp_path / "in", [SAMPLES[:2], SAMPLES[2:]]).path(0).unlink()
    done = clean(tmp_path / "in", tmp_path / "out", USABLE)
    assert (done.kept, len(done.rejections)) == (4, 2)
    assert set(rejected(tmp_path / "out").values()) == {"unreadable_file"}


def test_of_two_samples_with_one_key_the_first_good_one_stays(tmp_path: Path) -> None:
    write_shards(tmp_path / "in", [[SAMPLES[0], GoodSample("0001", b"bad", PLACE)], SAMPLES[:3]])
    clean(tmp_path / "in", tmp_path / "out", USABLE)
    assert [each.key for each in samples_of(tmp_path / "out")] == ["0000", "0001", "0002"]
    assert rejected(tmp_path / "out") == {
        "000000.tar/0001": "unreadable_image",
        "000001.tar/0000": "duplicate_key",
    }


def test_several_processes_write_the_same_bytes(tmp_path: Path) -> None:
    write_shards(tmp_path / "in", [[*SAMPLES[:3], BAD[0]], [BAD[1], *SAMPLES[3:]], BAD[2:]])
    for name, processes in (("one", 1), ("two", 2)):
        clean(tmp_path / "in", tmp_path / name, check_header, processes=processes)
    assert all_bytes(tmp_path / "one") == all_bytes(tmp_path / "two")


def test_a_command_that_was_killed_is_repeated_and_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for split, samples in (("train", SAMPLES[:4]), ("val", SAMPLES[4:])):
        write_shards(tmp_path / "in" / split, [[*samples, BAD[0]], [BAD[1]]])
    clean(tmp_path / "in", tmp_path / "whole", check_header)
    killed = tmp_path / "killed"
    for name in ("copy_shard", "_write_set", "write_rejections"):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, _killed)
            with pytest.raises(KeyboardInterrupt, match="now"):
                clean(tmp_path / "in", killed, check_header)
        assert (killed / ".build").is_dir()
    clean(tmp_path / "in", killed, check_header)
    assert all_bytes(killed) == all_bytes(tmp_path / "whole")


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt("now")


def test_a_folder_with_anything_else_in_it_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path / "in", [SAMPLES])
    with pytest.raises(ShardError, match=r"output folder .* is not empty"):
        clean(tmp_path / "in", tmp_path / "in", USABLE)
    clean(tmp_path / "in", tmp_path / "out", USABLE)
    with pytest.raises(ShardError, match=r"output folder .* is not empty"):
        clean(tmp_path / "in", tmp_path / "out", USABLE)


def test_a_set_of_which_nothing_is_good_is_an_error(tmp_path: Path) -> None:
    write_shards(tmp_path / "in", [BAD])
    with pytest.raises(ShardError, match=r"not one sample of .*in can be used"):
        clean(tmp_path / "in", tmp_path / "out", USABLE)


def test_too_small_a_disk_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shards(tmp_path / "in", [SAMPLES])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(ShardError, match="too little space"):
        clean(tmp_path / "in", tmp_path / "out", USABLE)
    assert not (tmp_path / "out").exists()
