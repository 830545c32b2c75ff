"""What training would stumble over is found beforehand."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.badserver import BadServer
from tests.badthings.checks import check_header
from tests.badthings.images import BAD_IMAGES
from tests.badthings.metadata import BAD_METADATA
from tests.badthings.shardset import PLACE, good_sample, write_shards
from tests.badthings.tarbytes import GoodSample, plain
from tests.badthings.tars import BAD_TARS, BadTar

from streetclip.captions.template import load_template
from streetclip.data.usable import Usable
from streetclip.errors import ShardError
from streetclip.shards import verify as module
from streetclip.shards.cache import Cache
from streetclip.shards.effort import Effort
from streetclip.shards.index import index_shards
from streetclip.shards.reach import find_sources
from streetclip.shards.verify import verify

WriteTar = Callable[..., Path]
Sample = Callable[[str], list[tuple[str, bytes]]]
USABLE = Usable(load_template("street"))
SAMPLES = [good_sample(number) for number in range(4)]


def found(folder: Path) -> list[tuple[str, str, str]]:
    return [(each.shard, each.key, each.reason) for each in verify(folder, USABLE)]


def test_a_good_shard_set_has_no_problem(tmp_path: Path) -> None:
    write_shards(tmp_path / "set", [SAMPLES[:2], SAMPLES[2:]])
    assert found(tmp_path / "set") == []


def test_every_bad_photograph_and_every_bad_json_is_named_with_its_reason(tmp_path: Path) -> None:
    image = SAMPLES[0].image
    samples = [GoodSample(bad.name, bad.raw, PLACE) for bad in BAD_IMAGES]
    samples += [GoodSample(f"json-{bad.name}", image, bad.raw) for bad in BAD_METADATA]
    reasons = {bad.name: bad.reason for bad in BAD_IMAGES}
    reasons |= {f"json-{bad.name}": bad.reason for bad in BAD_METADATA}
    write_shards(tmp_path / "set", [samples])
    assert found(tmp_path / "set") == [
        ("000000.tar", key, reason) for key, reason in reasons.items() if reason is not None
    ]


@pytest.mark.parametrize("bad", BAD_TARS, ids=lambda bad: bad.name)
def test_every_bad_tar_is_named_with_its_reason(tmp_path: Path, bad: BadTar) -> None:
    (tmp_path / "0.tar").write_bytes(bad.make(SAMPLES))
    (tmp_path / "1.tar").write_bytes(plain([good_sample(9)]))
    problems = found(tmp_path)
    assert {shard for shard, _, _ in problems} <= {"0.tar"}
    if bad.error is None:
        assert {key: reason for _, key, reason in problems} == bad.rejected
    else:
        assert bad.reason in {reason for _, _, reason in problems}


def test_the_list_is_the_same_for_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [GoodSample(f"bad{number}", b"no picture", PLACE) for number in range(3)]
    write_shards(tmp_path / "set", [[bad[0], *SAMPLES[:2]], [*SAMPLES[2:], bad[1]], [bad[2]]])
    (tmp_path / "set" / "000001.tar").unlink()
    alone = verify(tmp_path / "set", check_header)
    assert len(alone) == 6
    assert verify(tmp_path / "set", check_header, processes=2) == alone
    monkeypatch.setattr(module, "_CHUNK", 2)
    assert verify(tmp_path / "set", check_header) == alone


@pytest.mark.slow
def test_processes_can_be_sent_what_training_needs(tmp_path: Path) -> None:
    bad = GoodSample("bad", SAMPLES[0].image[:-2], PLACE)
    write_shards(tmp_path / "set", [[bad], SAMPLES])
    assert [problem.key for problem in verify(tmp_path / "set", USABLE, processes=2)] == ["bad"]


def test_a_large_shard_is_looked_at_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [GoodSample(f"bad{number}", b"no picture", PLACE) for number in range(7)]
    write_shards(tmp_path / "set", [samples])
    whole = verify(tmp_path / "set", USABLE)
    assert [problem.sample for problem in whole] == list(range(7))
    monkeypatch.setattr(module, "_CHUNK", 3)
    steps: list[tuple[str, int, int]] = []
    sources = find_sources(tmp_path / "set")
    parts = module.verify_sources(sources, USABLE, 1, lambda *step: steps.append(step))
    assert parts == whole
    assert steps == [("verify", 3, 7), ("verify", 6, 7), ("verify", 7, 7)]


def test_a_changed_tar_is_named(tmp_path: Path) -> None:
    tar = write_shards(tmp_path / "set", [SAMPLES]).path(0)
    raw = bytearray(tar.read_bytes())
    raw[700] ^= 1
    tar.write_bytes(raw)
    assert found(tmp_path / "set") == [
        ("000000.tar", "", "tar_digest"),
        ("000000.tar", "0000", "image_checksum"),
    ]
    raw[5] ^= 1
    tar.write_bytes(raw)
    assert ("000000.tar", "", "damaged_tar") in found(tmp_path / "set")


def test_the_samples_of_a_tar_whose_index_is_damaged_are_looked_at_all_the_same(
    tmp_path: Path,
) -> None:
    bad = GoodSample("bad", b"no picture", PLACE)
    write_shards(tmp_path / "set", [[*SAMPLES[:2], bad]])
    index = tmp_path / "set" / "000000.tar.index"
    index.write_bytes(index.read_bytes()[:-1])
    lost = ("000000.tar", "", "damaged_tar")
    named = [("000000.tar", "", "index_digest"), ("000000.tar", "", "damaged_index")]
    assert found(tmp_path / "set") == [*named, ("000000.tar", "bad", "unreadable_image"), lost]
    index.unlink()
    named[0] = ("000000.tar", "", "unreadable_file")
    assert found(tmp_path / "set") == [*named, ("000000.tar", "bad", "unreadable_image"), lost]


def test_one_bad_shard_does_not_keep_the_others_from_being_looked_at(tmp_path: Path) -> None:
    bad = GoodSample("bad", b"no picture", PLACE)
    shard_set = write_shards(tmp_path / "set", [SAMPLES[:1], SAMPLES[1:2], [bad, *SAMPLES[2:]]])
    shard_set.path(0).unlink()
    shard_set.path(1).write_bytes(b"")
    assert found(tmp_path / "set") == [
        ("000000.tar", "", "unreadable_file"),
        ("000000.tar", "0000", "unreadable_file"),
        ("000001.tar", "", "tar_digest"),
        ("000001.tar", "", "cut_tar"),
        ("000001.tar", "0001", "image_checksum"),
        ("000002.tar", "bad", "unreadable_image"),
    ]


def test_a_shard_of_which_nothing_is_left_is_one_problem(tmp_path: Path) -> None:
    tar = write_shards(tmp_path / "set", [SAMPLES]).path(0)
    tar.unlink()
    (tmp_path / "set" / "000000.tar.index").unlink()
    problems = verify(tmp_path / "set", USABLE)
    assert {problem.reason for problem in problems} == {"unreadable_file"}
    assert [problem.left_out for problem in problems] == [False, False, True]


def test_a_key_in_two_tars_is_named_unless_one_of_its_samples_is_bad_anyway(
    tmp_path: Path,
) -> None:
    bad = GoodSample("0001", b"no picture", PLACE)
    write_shards(tmp_path / "set", [[SAMPLES[0], bad], SAMPLES[:2]])
    assert found(tmp_path / "set") == [
        ("000000.tar", "0001", "unreadable_image"),
        ("000001.tar", "0000", "duplicate_key"),
    ]


def test_splits_are_looked_at_together(tmp_path: Path) -> None:
    for name, samples in (("train", SAMPLES[:2]), ("val", SAMPLES[1:])):
        write_shards(tmp_path / name, [samples])
    assert found(tmp_path) == [("val/000000.tar", "0001", "duplicate_key")]
    shutil.rmtree(tmp_path / "train")
    assert found(tmp_path) == []


def test_progress_is_shown_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shards(tmp_path / "set", [SAMPLES])
    verify(tmp_path / "set", USABLE, progress=True)
    assert "verify" in capsys.readouterr().err


def test_there_must_be_something_to_verify(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="is no shard set"):
        verify(tmp_path, USABLE)


def test_the_index_of_a_good_tar_leaves_nothing_for_verify(
    write_tar: WriteTar, sample: Sample
) -> None:
    folder = write_tar(sample("a") + sample("b")).parent
    assert found(folder) == []
    index_shards(folder)
    assert found(folder) == []


def test_a_remote_set_has_the_problems_of_the_local_one(tmp_path: Path) -> None:
    good = [good_sample(number) for number in range(2)]
    cut = GoodSample("cut", good[0].image[:-300], PLACE)
    for sample, split in zip(good, ("train", "val"), strict=True):
        write_shards(tmp_path / split, [[sample, cut]])
    cache = Cache(tmp_path / "cache", effort=Effort(timeout_s=20.0, tries=2, pause_s=0.01))
    with BadServer(tmp_path) as server:
        remote = verify(server.url, USABLE, cache=cache)
        assert remote == verify(tmp_path, USABLE)
        assert [problem.reason for problem in remote].count("unreadable_image") == 2
        assert verify(f"{server.url}/val", USABLE, cache=cache) == verify(tmp_path / "val", USABLE)


def test_a_tar_that_is_a_link_to_nowhere_is_named_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.tar").symlink_to(tmp_path / "absent.tar")
    (tmp_path / "b.tar").write_bytes(plain(SAMPLES))
    assert found(tmp_path) == [("a.tar", "", "unreadable_file")]
