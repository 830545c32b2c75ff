"""A build that was killed is continued to the same bytes; nothing else is touched."""

import fcntl
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.shards.conftest import all_bytes

from streetclip.errors import InputError, ShardError
from streetclip.shards import write
from streetclip.shards.pack import PackJob, PackSample, pack_shard
from streetclip.shards.resume import build_fingerprint, entered_output
from streetclip.shards.write import BuildOptions, build_shards

MakeSource = Callable[..., Path]
SMALL = BuildOptions(samples_per_shard=4, val_share=0.34, max_side_px=32)


class _KilledError(BaseException):
    """Stands for a signal that ends the process."""


@pytest.mark.parametrize("survived", [0, 1, 3, 5])
def test_a_killed_build_continues_and_ends_in_the_same_bytes(
    make_source: MakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    source = make_source(24)
    build_shards(source, tmp_path / "whole", options=SMALL)
    done: list[str] = []

    def pack_or_die(job: PackJob) -> object:
        if len(done) == survived:
            job.tar.with_name(job.tar.name + ".partial").write_bytes(b"half a tar")
            raise _KilledError
        done.append(job.tar.name)
        return pack_shard(job)

    with monkeypatch.context() as patch:
        patch.setattr(write, "pack_shard", pack_or_die)
        with pytest.raises(_KilledError):
            build_shards(source, tmp_path / "killed", options=SMALL)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "killed").glob("*/*.tar")}
    assert len(before) == survived
    with pytest.raises(ShardError, match="unfinished build of another source or other options"):
        build_shards(source, tmp_path / "killed", options=BuildOptions(val_share=0.34))
    build_shards(source, tmp_path / "killed", options=SMALL)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert all_bytes(tmp_path / "killed") == all_bytes(tmp_path / "whole")


def test_a_shard_that_vanished_meanwhile_is_written_again(
    make_source: MakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_source(24)
    build_shards(source, tmp_path / "whole", options=SMALL)

    def die(*_: object) -> None:
        raise _KilledError

    with monkeypatch.context() as patch:
        patch.setattr(write, "_write_sets", die)
        with pytest.raises(_KilledError):
            build_shards(source, tmp_path / "killed", options=SMALL)
    (tmp_path / "killed" / "train" / "000001.tar").unlink()
    (tmp_path / "killed" / "train" / "000002.tar").write_bytes(b"short")
    (tmp_path / "killed" / "val" / "000000.tar.index").unlink()
    build_shards(source, tmp_path / "killed", options=SMALL)
    assert all_bytes(tmp_path / "killed") == all_bytes(tmp_path / "whole")


def test_a_folder_with_something_in_it_is_refused(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source(6)
    options = BuildOptions(val_share=0)
    with pytest.raises(ShardError, match=r"is not empty; got: 000\.jpg"):
        build_shards(source, source.parent, options=options)
    build_shards(source, tmp_path / "out", options=options)
    with pytest.raises(ShardError, match="is not empty: it already holds a finished shard set"):
        build_shards(source, tmp_path / "out", options=options)
    with pytest.raises(InputError, match="is a file"):
        build_shards(source, source, options=options)


def test_two_builds_do_not_write_into_one_folder(make_source: MakeSource, tmp_path: Path) -> None:
    source = make_source(6)
    state = tmp_path / "out" / ".build"
    state.mkdir(parents=True)
    with (state / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ShardError, match="is being built by another process"):
            build_shards(source, tmp_path / "out", options=SMALL)
    assert build_shards(source, tmp_path / "out", options=SMALL).written == 6


SAMPLE = PackSample("00000000_a", "/somewhere/a.jpg", "a.jpg", "0" * 64, b"{}")


@pytest.mark.parametrize(
    "changes",
    [{"key": "00000001_a"}, {"sha256": "1" * 64}, {"metadata": b'{"month": 1}'}],
    ids=str,
)
def test_the_fingerprint_follows_all_that_decides_bytes(changes: dict[str, Any]) -> None:
    first = build_fingerprint({"train": [SAMPLE]}, {"quality": 90})
    assert build_fingerprint({"train": [replace(SAMPLE, **changes)]}, {"quality": 90}) != first
    assert build_fingerprint({"val": [SAMPLE]}, {"quality": 90}) != first
    assert build_fingerprint({"train": [SAMPLE]}, {"quality": 91}) != first
    # The same photograph at another place, looked at another time.
    moved = replace(SAMPLE, image="/elsewhere/b.jpg", name="b.jpg", stamp=(1, 2))
    assert build_fingerprint({"train": [moved]}, {"quality": 90}) == first


def test_a_folder_is_entered_by_the_same_build_again_and_by_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "new" / "out"
    with caplog.at_level(logging.INFO):
        with entered_output(out, "one"):
            assert not caplog.records
            with (
                pytest.raises(ShardError, match="is being built by another process; wait for it"),
                entered_output(out, "one"),
            ):
                pass
        with entered_output(out, "one"):
            assert "continuing the build that was interrupted" in caplog.text
    with (
        pytest.raises(ShardError, match="holds an unfinished build of another source or other"),
        entered_output(out, "two"),
    ):
        pass
