"""The bytes of a new tar say nothing of the machine, and every reader reads them."""

import io
import tarfile
from pathlib import Path

from streetclip.shards.newtar import new_tar
from streetclip.shards.tar import walk_tar


def test_our_names_give_a_plain_ustar(tmp_path: Path) -> None:
    members = [("00000007_1c2d3e4f5a6b7c8d.jpg", b"photograph"), ("00000007_1c.json", b"{}")]
    with new_tar(tmp_path / "new.tar") as add:
        for name, data in members:
            add(name, data)
    expected = io.BytesIO()
    with tarfile.open(fileobj=expected, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    assert (tmp_path / "new.tar").read_bytes() == expected.getvalue()


def test_long_names_and_names_with_accents_come_back(tmp_path: Path) -> None:
    names = ["k" * 300 + ".jpg", "rue/Été.json"]
    with new_tar(tmp_path / "new.tar") as add:
        for name in names:
            add(name, b"data")
    assert [member.name for member in walk_tar(tmp_path / "new.tar")] == names
