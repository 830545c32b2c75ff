import random
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.data.conftest import metadata, photo, write_tars

from streetclip.data.stages import Patience, bounded_shuffle, expand_urls, members, opened
from streetclip.errors import ShardError
from streetclip.shards.opener import TarOpener


def test_braces_and_folders_become_a_list_of_tars(tmp_path: Path) -> None:
    tars = write_tars(tmp_path, [1, 1])
    assert expand_urls([str(tmp_path), "s3://b/{08..10}.tar"]) == [
        *map(str, tars),
        "s3://b/08.tar",
        "s3://b/09.tar",
        "s3://b/10.tar",
    ]


@pytest.mark.parametrize("url", ["pipe:touch x", " PIPE:cat {a,b}.tar"])
def test_programs_are_refused(url: str) -> None:
    with pytest.raises(ShardError, match="pipe: runs a shell command and is refused"):
        expand_urls([url])


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="no tar in"):
        expand_urls([str(tmp_path)])
    with pytest.raises(ShardError, match="no shards are named"):
        expand_urls([])


def read(*paths: Path) -> Iterator[dict[str, Any]]:
    patience = Patience("shards", limit=5)
    return members(patience)(
        opened(patience, TarOpener())(iter([{"url": str(path)} for path in paths]))
    )


def test_samples_of_several_tars_keep_their_bytes_apart(tmp_path: Path) -> None:
    tars = write_tars(tmp_path, [2, 1])
    samples = list(read(*tars))
    assert [sample["__key__"] for sample in samples] == ["0000", "0001", "0002"]
    assert [sample["__url__"] for sample in samples] == [str(tars[i]) for i in (0, 0, 1)]
    assert samples[2]["image"] == photo(2)
    assert samples[2]["metadata"] == metadata(2)


@pytest.mark.parametrize("kept", [700, 1500])
def test_a_cut_tar_stops_the_run_and_is_named(tmp_path: Path, kept: int) -> None:
    path = write_tars(tmp_path, [3])[0]
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ShardError, match=r"000000\.tar is cut short"):
        list(read(path))


def test_shards_without_samples_end_in_an_error_instead_of_a_hang(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    with pytest.raises(ShardError, match="no usable sample; got: 5 shards in a row"):
        list(read(*[tmp_path / "empty.tar"] * 9))


def numbered(count: int, size: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"__key__": str(number), "jpg": bytes(size)}


@pytest.mark.parametrize(("samples", "size", "held"), [(50, 10**9, 50), (10**6, 3000, 30)])
def test_the_buffer_keeps_to_both_bounds_and_loses_nothing(
    samples: int, size: int, held: int
) -> None:
    read_so_far = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal read_so_far
        for sample in numbered(1000, 100):
            read_so_far += 1
            yield sample

    shuffled, keys = bounded_shuffle(random.Random(0), samples=samples, size=size), []
    for sample in shuffled(counted()):
        keys.append(int(sample["__key__"]))
        assert read_so_far - len(keys) < held
    assert len(set(keys)) == len(keys) > 1000 - held
    assert keys != sorted(keys)


def test_a_growing_buffer_gives_every_other_sample() -> None:
    shuffled = bounded_shuffle(random.Random(0), samples=500, size=10**9)
    assert len(list(shuffled(numbered(299, 1)))) == 100


def test_one_sample_larger_than_the_buffer_still_passes() -> None:
    shuffled = bounded_shuffle(random.Random(0), samples=10, size=5)
    assert len(list(shuffled(numbered(4, 100)))) == 4
