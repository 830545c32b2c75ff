"""The first look gives one outcome a photograph, in order, in one process or several."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.shards import scan
from streetclip.shards.pool import Pool
from streetclip.shards.scan import Scanned, Unusable, scan_photographs


@pytest.mark.parametrize("few", [0, 1_000])
def test_outcomes_keep_the_order_of_the_paths(
    tmp_path: Path, make_jpeg: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(scan, "_FEW", few)
    (tmp_path / "a.jpg").write_bytes(make_jpeg(1))
    (tmp_path / "b.jpg").write_bytes(b"no photograph")
    paths = [str(tmp_path / name) for name in ("b.jpg", "absent.jpg", "a.jpg")]
    with Pool(2) as pool:
        bad, absent, good = scan_photographs(paths, max_pixels=10_000, pool=pool)
    assert isinstance(bad, Unusable)
    assert bad.sha256 == hashlib.sha256(b"no photograph").hexdigest()
    assert absent == Unusable("unreadable_file", "No such file or directory")
    assert good == Scanned(hashlib.sha256(make_jpeg(1)).hexdigest(), 64, 48)
