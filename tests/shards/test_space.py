"""A disk that is too small is noticed before a byte is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.errors import ShardError
from streetclip.shards.scan import Scanned
from streetclip.shards.space import check_free, check_space, estimate_bytes
from streetclip.shards.write import build_shards

MakeSource = Callable[..., Path]


def test_a_full_disk_is_noticed_before_anything_is_written(
    make_source: MakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ShardError, match=r"too little space .* got: 0.00 GB free"):
        build_shards(make_source(12), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_an_interrupted_build_has_left_need_not_be_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    out = tmp_path / "out"
    check_free(out, 10_000)
    with pytest.raises(ShardError, match=r"has too little space .*; choose another d"):
        check_free(out, 10_001)
    (out / "train").mkdir(parents=True)
    (out / "train" / "000000.tar").write_bytes(bytes(500))
    (out / "train" / "notes.txt").write_bytes(bytes(500))
    check_free(out, 10_500)
    with pytest.raises(ShardError, match=r"about 0\.00 GB; try less"):
        check_free(out, 10_501, remedy="try less")


def test_photographs_that_are_made_smaller_need_less() -> None:
    large, small = Scanned("", 2000, 1000), Scanned("", 500, 250)
    both = estimate_bytes([large, small], max_side_px=500, quality=90)
    assert both == 2 * estimate_bytes([small], max_side_px=500, quality=90)
    # An original is never made larger.
    assert estimate_bytes([small], max_side_px=9000, quality=90) == both // 2
    by_quality = [estimate_bytes([small], max_side_px=500, quality=q) for q in (1, 50, 90, 100)]
    assert by_quality == sorted(set(by_quality))
    assert estimate_bytes([], max_side_px=500, quality=90) == 0


def test_the_estimate_decides_whether_a_build_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Scanned("", 500, 250)] * 3
    needed = estimate_bytes(found, max_side_px=500, quality=90)
    for free in (needed, needed - 1):
        usage = shutil.disk_usage(tmp_path)._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        if free == needed:
            check_space(tmp_path, found, max_side_px=500, quality=90)
    with pytest.raises(ShardError, match="choose another disk, or a smaller max_side_px"):
        check_space(tmp_path, found, max_side_px=500, quality=90)
