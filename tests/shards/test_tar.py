"""A damaged tar is never mistaken for a shorter one."""

import contextlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.badthings.shardset import good_sample
from tests.badthings.tarbytes import header, pax, plain
from tests.badthings.tars import BAD_TARS, BadTar

from streetclip.errors import TarError
from streetclip.shards.tar import is_header, walk_from, walk_tar

WriteTar = Callable[..., Path]
MEMBERS = [(f"{n}.jpg", bytes([n]) * (700 + n)) for n in range(4)]


def test_the_walk_finds_what_tarfile_finds(tmp_path: Path) -> None:
    for number, kind in enumerate((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        path = tmp_path / f"{number}.tar"
        long_names = [] if kind == tarfile.USTAR_FORMAT else [("x" * 300 + ".jpg", b"long")]
        with tarfile.open(path, "w", format=kind) as tar:
            for name, data in [*MEMBERS, *long_names, ("ä.json", b"{}")]:
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(data), 1234.5  # A fraction needs a pax record.
                tar.addfile(info, io.BytesIO(data))
        with tarfile.open(path) as tar:
            expected = [(m.name, m.offset_data, m.size) for m in tar.getmembers()]
        assert [(m.name, m.offset, m.size) for m in walk_tar(path)] == expected


def test_a_folder_entry_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        folder = tarfile.TarInfo("photos")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        info = tarfile.TarInfo("photos/a.jpg")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    assert [member.name for member in walk_tar(path)] == ["photos/a.jpg"]


@pytest.mark.parametrize(
    "bad", [bad for bad in BAD_TARS if bad.reason != "duplicate_key"], ids=lambda bad: bad.name
)
def test_a_tar_is_walked_to_its_end_or_refused_with_a_reason(tmp_path: Path, bad: BadTar) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(bad.make([good_sample(number) for number in range(4)]))
    if bad.error is None:
        raw = path.read_bytes()
        assert all(m.offset + m.size <= len(raw) for m in walk_tar(path))
        return
    with pytest.raises(TarError, match=rf"a\.tar .*({bad.error})") as refusal:
        list(walk_tar(path))
    assert refusal.value.reason == bad.reason


def test_every_cut_is_found(tmp_path: Path) -> None:
    raw = plain([good_sample(number) for number in range(2)])
    path = tmp_path / "a.tar"
    end = len(raw.rstrip(b"\0"))
    for length in range(0, end + 1024, 97):
        path.write_bytes(raw[:length])
        with pytest.raises(TarError, match=r"is cut short|is empty"):
            list(walk_tar(path))


def test_every_flipped_bit_of_a_header_is_found(tmp_path: Path) -> None:
    raw = plain([good_sample(0)])
    path = tmp_path / "a.tar"
    for position in range(512):
        flipped = bytearray(raw)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        # Blanks around the checksum are the only bytes of a header that say nothing.
        with contextlib.suppress(TarError):
            assert [m.name for m in walk_tar(path)] == ["0000.jpg", "0000.json"]
            assert 148 <= position < 156, position


def test_the_walk_can_begin_at_any_header() -> None:
    raw = plain([good_sample(number) for number in range(2)])
    file = io.BytesIO(raw)
    members = list(walk_from(file, "a.tar"))
    start = members[2].offset - 512
    assert list(walk_from(file, "a.tar", start, total=len(raw))) == members[2:]


def test_only_headers_are_taken_for_headers() -> None:
    raw = plain([good_sample(number) for number in range(4)])
    headers = [m.offset - 512 for m in walk_from(io.BytesIO(raw), "a.tar")]
    found = [at for at in range(0, len(raw), 512) if is_header(raw[at : at + 512])]
    assert found == headers
    assert is_header(header("x.jpg"))
    assert is_header(pax(path="x.jpg")[:512])
