"""A folder is a shard set, holds one, or is refused with the way out."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.errors import ShardError
from streetclip.shards.index import index_shards
from streetclip.shards.layout import (
    ShardSet,
    available_splits,
    is_shard_set,
    open_shard_set,
    write_shard_set,
)

WriteTar = Callable[..., Path]
Sample = Callable[[str], list[tuple[str, bytes]]]


@pytest.fixture
def make_set(write_tar: WriteTar, sample: Sample) -> Callable[[str], ShardSet]:
    """Makes a shard set of one sample in a split folder of ``out``: make_set("train")."""

    def make(split: str) -> ShardSet:
        path = write_tar(sample(split), f"{split}/000000.tar")
        shard_set = index_shards(path.parent)
        named = ShardSet(
            shard_set.root,
            shard_set.shards,
            shard_set.digest,
            shard_set.countries,
            shard_set.town_counts,
            split,
        )
        write_shard_set(named)
        return named

    return make


def test_a_split_is_found_below_the_folder(
    tmp_path: Path, make_set: Callable[[str], ShardSet]
) -> None:
    made = {split: make_set(split) for split in ("train", "val")}
    assert available_splits(tmp_path) == ("train", "val")
    assert is_shard_set(tmp_path)
    assert is_shard_set(tmp_path / "val")
    for split, shard_set in made.items():
        assert open_shard_set(tmp_path, split=split) == shard_set
        assert open_shard_set(tmp_path / split) == shard_set
        assert open_shard_set(tmp_path / split, split=split) == shard_set
    with pytest.raises(ShardError, match="holds several splits; got: train, val; name one"):
        open_shard_set(tmp_path)
    with pytest.raises(ShardError, match="is the train split; got: asked for val"):
        open_shard_set(tmp_path / "train", split="val")


def test_a_set_without_split_serves_for_training_only(
    tmp_path: Path, make_set: Callable[[str], ShardSet]
) -> None:
    made = make_set("all")
    assert open_shard_set(tmp_path) == made
    assert open_shard_set(tmp_path, split="train") == made
    with pytest.raises(ShardError, match="has no val split; got: all"):
        open_shard_set(tmp_path, split="val")


def test_tars_without_index_name_both_ways_out(write_tar: WriteTar, sample: Sample) -> None:
    folder = write_tar(sample("a")).parent
    assert not is_shard_set(folder)
    with pytest.raises(ShardError, match=r"streetclip shards index .*data\.order=resampled"):
        open_shard_set(folder)


def test_what_is_no_shard_set_says_so(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="streetclip shards build"):
        open_shard_set(tmp_path)
    with pytest.raises(ShardError, match="no such folder"):
        open_shard_set(tmp_path / "absent")


def test_the_digest_depends_on_content_alone(write_tar: WriteTar, sample: Sample) -> None:
    digests = [
        index_shards(write_tar(sample(key), f"{folder}/000000.tar").parent).digest
        for folder, key in (("a", "x"), ("b", "x"), ("c", "y"))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_missing_and_changed_files_are_refused(
    tmp_path: Path, make_set: Callable[[str], ShardSet]
) -> None:
    root = make_set("all").root
    tar, index = root / "000000.tar", root / "000000.tar.index"
    whole = tar.read_bytes()
    tar.write_bytes(whole[:-512])
    with pytest.raises(ShardError, match="is missing or has changed"):
        open_shard_set(tmp_path)
    tar.write_bytes(whole)
    index.unlink()
    with pytest.raises(ShardError, match="bytes and an index"):
        open_shard_set(tmp_path)
    tar.unlink()
    with pytest.raises(ShardError, match="got: no such file"):
        open_shard_set(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "of another version; got: 2; allowed: 1"),
        ({"digest": "0" * 64}, "does not fit its own digest"),
    ],
)
def test_a_list_of_shards_that_was_touched_is_refused(
    make_set: Callable[[str], ShardSet], change: dict[str, object], message: str
) -> None:
    path = make_set("all").root / "shards.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ShardError, match=message):
        open_shard_set(path.parent)


@pytest.mark.parametrize(
    "name",
    ["../000000.tar", "/etc/passwd", "a/000000.tar", "..\\000000.tar", "..", ".", "", "a\0.tar", 7],
)
@pytest.mark.parametrize("check_files", [True, False])
def test_a_list_of_shards_cannot_name_files_outside_its_folder(
    make_set: Callable[[str], ShardSet], name: object, check_files: bool
) -> None:
    root = make_set("all").root
    (root.parent / "000000.tar").write_bytes((root / "000000.tar").read_bytes())
    (root.parent / "000000.tar.index").write_bytes((root / "000000.tar.index").read_bytes())
    content = json.loads((root / "shards.json").read_text())
    content["shards"][0]["file"] = name
    (root / "shards.json").write_text(json.dumps(content))
    with pytest.raises(
        ShardError, match=r"shards\[0\] has a wrong field file; got: .*folder: no /"
    ):
        open_shard_set(root, check_files=check_files)


@pytest.mark.parametrize(("field", "value"), [("samples", -1), ("samples", "1"), ("bytes", True),
                                              ("bytes", None), ("samples", 1.5)])  # fmt: skip
def test_a_list_of_shards_cannot_have_impossible_numbers(
    make_set: Callable[[str], ShardSet], field: str, value: object
) -> None:
    path = make_set("all").root / "shards.json"
    content = json.loads(path.read_text())
    content["shards"][0][field] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ShardError, match=rf"wrong field {field}; got: .*; allowed: 0 to "):
        open_shard_set(path.parent)


def test_files_need_not_be_there_for_those_who_name_what_is_missing(
    make_set: Callable[[str], ShardSet],
) -> None:
    root = make_set("all").root
    (root / "000000.tar").unlink()
    assert len(open_shard_set(root, check_files=False)) == 1
