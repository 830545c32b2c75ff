"""A shard is written once: its index is noted meanwhile, and a file that changed is noticed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.shards import scan
from streetclip.shards.index import index_tar
from streetclip.shards.pack import PackJob, PackSample, pack_shard
from streetclip.shards.pool import Pool
from streetclip.shards.scan import Scanned, scan_photographs
from streetclip.shards.sidecar import encode_index, sidecar_path
from streetclip.shards.write import BuildOptions, build_shards

MakeSource = Callable[..., Path]


def test_the_index_is_what_a_walk_through_the_tar_finds(
    make_source: MakeSource, tmp_path: Path
) -> None:
    build_shards(make_source(7), tmp_path / "out", options=BuildOptions(val_share=0))
    tar = tmp_path / "out" / "all" / "000000.tar"
    assert sidecar_path(tar).read_bytes() == encode_index(index_tar(tar).index)


@pytest.mark.parametrize("settled", [False, True])
def test_a_file_that_changed_since_the_first_look_is_rejected(
    tmp_path: Path, make_jpeg: Callable[[int], bytes], make_json: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch, settled: bool,
) -> None:  # fmt: skip
    if settled:
        monkeypatch.setattr(scan, "_SETTLED_NS", 0)
    photograph = tmp_path / "a.jpg"
    photograph.write_bytes(make_jpeg(1))
    (found,) = scan_photographs([str(photograph)], max_pixels=10_000, pool=Pool(1))
    assert isinstance(found, Scanned)
    assert bool(found.stamp) == settled
    sample = PackSample(
        "00000000_a", str(photograph), "a.jpg", found.sha256, make_json(), found.stamp
    )
    job = PackJob(tmp_path / "0.tar", tmp_path / "record.json", [sample], 64, 90, 10_000)
    os.utime(photograph, ns=(1, 1))  # Another time, the same bytes.
    assert pack_shard(job).rejections == []
    (tmp_path / "record.json").unlink()
    photograph.write_bytes(make_jpeg(2))
    assert [each.reason for each in pack_shard(job).rejections] == ["file_changed"]
