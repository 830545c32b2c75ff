"""A strict walk over a tar file: every byte is accounted for, or the walk says where it failed.

Python's `tarfile` takes a damaged header in the middle of a file for its end, which loses samples
without a word; this walk does not. It understands what tar writers produce for plain files: ustar,
GNU long names and pax records.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from streetclip.errors import TarError
from streetclip.shards.pax import FETCH_AGAIN, Extension, damaged_header, read_extension

BLOCK = 512
_MAX_EXTENSION_BYTES = 1 << 20
_ZEROS = bytes(BLOCK)
_ABOUT_THE_NEXT = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME)
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a fifo",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@runtime_checkable
class TarFile(Protocol):
    """What the walk needs of a file: it seeks forward only, and may be a stream underneath."""

    def seek(self, offset: int, /) -> object:
        """Goes to a place counted from the start."""

    def read(self, size: int, /) -> bytes:
        """As many bytes, or fewer where the file ends."""


@dataclass(frozen=True, slots=True)
class Member:
    """A plain file in a tar.

    Args:
        name: As the tar spells it.
        offset: Of the first data byte, from the start of the tar.
        size: Bytes of data.
    """

    name: str
    offset: int
    size: int


def walk_tar(path: Path) -> Iterator[Member]:
    """The members of a tar in order, checked as they come.

    Args:
        path: An uncompressed tar.

    Yields:
        One `Member` a plain file. A folder entry holds no data and is passed over.

    Raises:
        TarError: As of `walk_from`.
    """
    with path.open("rb") as file:
        yield from walk_from(file, str(path), total=path.stat().st_size)


def check_tar(path: Path) -> None:
    """Walks over a whole tar.

    Args:
        path: An uncompressed tar.

    Raises:
        ShardError: As `walk_tar`.
    """
    for _ in walk_tar(path):
        pass


def walk_from(
    file: TarFile, name: str, start: int = 0, *, total: int | None = None
) -> Iterator[Member]:
    """The members of an open tar from one of its headers on, checked as they come.

    Args:
        file: Uncompressed.
        name: Of the tar, for messages.
        start: Where the header lies.
        total: Bytes of the tar; None where only reading to its end would tell.

    Yields:
        One `Member` a plain file, before its data are read by anyone.

    Raises:
        TarError: The tar is empty, cut, damaged, compressed, has no end mark, or holds a link, a
            device, or a name that leads out of the folder.
    """
    offset, about = start, Extension()
    while (header := _header(file, name, offset)) != _ZEROS:
        info = _parse_header(header, name, offset)
        data = offset + BLOCK
        if info.type in (*_ABOUT_THE_NEXT, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            body = _read(file, name, data, _extension_size(info.size, name, offset))
            about = read_extension(about, body, info.type, name, offset)
            size = info.size
        else:
            size = info.size if about.size is None else about.size
            if total is not None and data + size > total:
                raise cut_short(name, offset, needed=data + size)
            spelled = info.name if about.path is None else about.path
            _check_member(info, spelled, name, offset, size)
            if info.type != tarfile.DIRTYPE:
                yield Member(spelled, data, size)
            about = Extension()
        offset = data + _blocks(size)
    if about != Extension():
        raise damaged_header(name, offset, got="the end, after a record about another member")
    _check_end(file, name, offset)


def is_header(block: bytes) -> bool:
    """Whether a block of a tar is a header with a right checksum, as every writer of today makes.

    Args:
        block: 512 bytes.

    Returns:
        True for a header; data pass for one less often than once in a million tries, and only with
        the word ``ustar`` in them.
    """
    if block[257:262] != b"ustar":
        return False
    try:
        tarfile.TarInfo.frombuf(block, encoding="utf-8", errors="strict")
    except (tarfile.HeaderError, UnicodeDecodeError):
        return False
    return True


def _header(file: TarFile, name: str, offset: int) -> bytes:
    file.seek(offset)
    header = file.read(BLOCK)
    if not header and not offset:
        raise TarError("cut_tar", f"{name} is empty", offset=0, got="0 bytes", remedy=FETCH_AGAIN)
    if len(header) != BLOCK:
        raise cut_short(name, offset, needed=offset + 2 * BLOCK)
    return header


def _read(file: TarFile, name: str, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise cut_short(name, offset, needed=offset + size)
    return data


def cut_short(name: str, offset: int, *, needed: int) -> TarError:
    """What to raise on a tar that ends too early.

    Args:
        name: Of the tar.
        offset: Of the header after which it ends.
        needed: Bytes that it would have at least.

    Returns:
        The error.
    """
    return TarError(
        "cut_tar",
        f"{name} is cut short",
        offset=offset,
        allowed=f"at least {needed} bytes and an end mark",
        remedy=FETCH_AGAIN,
    )


def _parse_header(header: bytes, name: str, offset: int) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(header, encoding="utf-8", errors="strict")
    except UnicodeDecodeError as error:
        raise TarError(
            "bad_name",
            f"{name} holds a name that is not UTF-8, at byte {offset}",
            offset=offset,
            got=error.object[:100],
        ) from error
    except tarfile.HeaderError as error:
        if not offset and (kind := _compression(header)):
            raise TarError(
                "compressed_tar",
                f"{name} is compressed with {kind}",
                offset=offset,
                allowed="a plain tar, in which samples can be found again",
                remedy="unpack it",
            ) from error
        raise damaged_header(name, offset, got=str(error)) from error
    if info.size < 0:
        raise damaged_header(name, offset, got=f"size {info.size}")
    return info


def _compression(header: bytes) -> str | None:
    return next((kind for magic, kind in _COMPRESSED.items() if header.startswith(magic)), None)


def _extension_size(size: int, name: str, offset: int) -> int:
    if size > _MAX_EXTENSION_BYTES:
        raise damaged_header(name, offset, got=f"a record of {size} bytes about another member")
    return size


def _check_member(info: tarfile.TarInfo, spelled: str, name: str, offset: int, size: int) -> None:
    after = offset + BLOCK + _blocks(size)
    kind = _KINDS.get(info.type)
    if kind is None and not (info.isreg() or info.isdir()):
        kind = f"of type {info.type!r}"
    if info.isdir() and size:
        kind = "a folder with data"
    if kind is not None:
        raise TarError(
            "forbidden_member",
            f"{name} holds {spelled!r}, which is {kind}",
            offset=offset,
            next_offset=None if info.type == tarfile.GNUTYPE_SPARSE else after,
            allowed="plain files",
        )
    if spelled.startswith("/") or ".." in spelled.split("/") or "\\" in spelled:
        raise TarError(
            "path_outside_folder",
            f"{name} holds {spelled!r}, which leads out of the folder",
            offset=offset,
            next_offset=after,
            allowed="relative names",
        )


def _check_end(file: TarFile, name: str, offset: int) -> None:
    """A tar ends with two blocks of zeros, of which the first is known; only zeros may follow."""
    file.seek(offset + BLOCK)
    blocks = 1
    while block := file.read(1 << 16):
        if block.strip(b"\0"):
            raise TarError(
                "data_after_end",
                f"{name} goes on after its end mark",
                offset=offset,
                remedy="write it again",
            )
        blocks += len(block) // BLOCK
    if blocks < 2:
        raise cut_short(name, offset, needed=offset + 2 * BLOCK)


def _blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
