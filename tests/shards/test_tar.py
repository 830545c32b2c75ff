"""A damaged tar is never mistaken for a shorter one."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.errors import ShardError
from streetclip.shards.tar import walk_tar

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


def cut_at(position: int) -> Callable[[bytes], bytes]:
    return lambda raw: raw[:position]


def flip(position: int) -> Callable[[bytes], bytes]:
    return lambda raw: raw[:position] + bytes([raw[position] ^ 64]) + raw[position + 1 :]


# Members begin at 0, 1536, 3072, 4608 (header 512, data 1024); the end mark at 6144.
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_at(0), "is empty"),
        (cut_at(3072), "is cut short"),
        (cut_at(3072 + 100), "is cut short"),
        (cut_at(3072 + 512 + 100), "is cut short"),
        (cut_at(6144), "is cut short"),
        (cut_at(6144 + 512), "is cut short"),
        (flip(1536 + 5), "has a damaged header at byte 1536"),
        (flip(1536 + 130), "has a damaged header at byte 1536"),
        (lambda raw: b"<html>" + bytes(5000), "has a damaged header at byte 0"),
        (lambda raw: raw[:6144] + bytes(1024) + raw[:512], "goes on after its end mark"),
    ],
    ids=["empty", "member", "header", "data", "no-end", "half-end",
         "name", "size", "html", "after"],
)  # fmt: skip
def test_damage_is_found(
    write_tar: WriteTar, damage: Callable[[bytes], bytes], message: str
) -> None:
    path = write_tar(MEMBERS)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ShardError, match=message):
        list(walk_tar(path))


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.jpg", "a/../../b.jpg", "a\\..\\b.jpg"])
def test_names_that_lead_out_are_refused(write_tar: WriteTar, name: str) -> None:
    with pytest.raises(ShardError, match="leads out of the folder"):
        list(walk_tar(write_tar([(name, b"x")])))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.FIFOTYPE, "fifo"),
        (tarfile.CHRTYPE, "device"),
    ],
)
def test_only_plain_files_are_allowed(tmp_path: Path, kind: bytes, words: str) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("a.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(ShardError, match=words):
        list(walk_tar(path))
