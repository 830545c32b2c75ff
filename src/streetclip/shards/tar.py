"""A strict walk over a tar file: every byte is accounted for, or the walk says where it failed.

Python's `tarfile` takes a damaged header in the middle of a file for its end, which loses samples
without a word; this walk does not. It understands what tar writers produce for plain files: ustar,
GNU long names and pax records.
"""

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from streetclip.errors import ShardError

BLOCK = 512
_MAX_NAME_BLOCK_BYTES = 1 << 20
_ZEROS = bytes(BLOCK)
_ABOUT_THE_NEXT = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME)
_ABOUT_OTHERS = (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK)
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a fifo",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


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
        ShardError: The tar is empty, cut, damaged, has no end mark, or holds a link, a device, or
            a name that leads out of the folder.
    """
    total = path.stat().st_size
    if total == 0:
        raise ShardError(f"{path} is empty", got="0 bytes", remedy="write or fetch it again")
    with path.open("rb") as file:
        offset = 0
        long_name: dict[str, str] = {}
        while (header := _read(file, path, offset, BLOCK)) != _ZEROS:
            info = _parse_header(header, path, offset)
            data, size = offset + BLOCK, info.size
            if info.type in _ABOUT_THE_NEXT:
                long_name |= _extension(_read(file, path, data, _name_size(size, path)), info, path)
            elif info.type not in _ABOUT_OTHERS:
                size = int(long_name.get("size", size))
                name = long_name.get("path", info.name)
                _check_member(info, name, path)
                if data + size > total:
                    raise _cut(path, data + size, total)
                if info.type != tarfile.DIRTYPE:
                    yield Member(name, data, size)
                long_name = {}
            offset = data + -(-size // BLOCK) * BLOCK
        _check_end(file, path, offset)


def check_tar(path: Path) -> None:
    """Walks over a whole tar.

    Args:
        path: An uncompressed tar.

    Raises:
        ShardError: As `walk_tar`.
    """
    for _ in walk_tar(path):
        pass


def _read(file: BinaryIO, path: Path, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise _cut(path, offset + size, os.fstat(file.fileno()).st_size)
    return data


def _cut(path: Path, needed: int, total: int) -> ShardError:
    return ShardError(
        f"{path} is cut short",
        got=f"{total} bytes",
        allowed=f"at least {needed} and an end mark",
        remedy="write or fetch it again",
    )


def _parse_header(header: bytes, path: Path, offset: int) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(header, encoding="utf-8", errors="strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as error:
        raise ShardError(
            f"{path} has a damaged header at byte {offset}",
            got=str(error),
            remedy="write or fetch it again",
        ) from error
    if info.size < 0:
        raise ShardError(f"{path} has a damaged header at byte {offset}", got=f"size {info.size}")
    return info


def _name_size(size: int, path: Path) -> int:
    if size > _MAX_NAME_BLOCK_BYTES:
        raise ShardError(f"{path} has a member name of {size} bytes", allowed=_MAX_NAME_BLOCK_BYTES)
    return size


def _extension(data: bytes, info: tarfile.TarInfo, path: Path) -> dict[str, str]:
    """What a GNU long name or a pax record says about the member after it."""
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")}
    fields = {}
    while data.rstrip(b"\0"):
        length, _, _ = data.partition(b" ")
        end = int(length) if length.isdigit() and int(length) > len(length) else len(data)
        name, _, value = data[len(length) + 1 : end].rstrip(b"\n").partition(b"=")
        if name in (b"path", b"size"):
            fields[name.decode()] = value.decode("utf-8", "backslashreplace")
        data = data[end:]
    if not fields.get("size", "0").isdigit():
        raise ShardError(f"{path} has a damaged pax record", got=f"size {fields['size'][:40]!r}")
    return fields


def _check_member(info: tarfile.TarInfo, name: str, path: Path) -> None:
    if not (info.isreg() or info.isdir()):
        kind = _KINDS.get(info.type, f"of type {info.type!r}")
        raise ShardError(f"{path} holds {name!r}, which is {kind}", allowed="plain files")
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise ShardError(
            f"{path} holds {name!r}, which leads out of the folder", allowed="relative names"
        )


def _check_end(file: BinaryIO, path: Path, offset: int) -> None:
    """A tar ends with two blocks of zeros, and only zeros may follow."""
    file.seek(offset)
    blocks = 0
    while block := file.read(1 << 16):
        if block.strip(b"\0"):
            raise ShardError(f"{path} goes on after its end mark", remedy="write it again")
        blocks += len(block) // BLOCK
    if blocks < 2:
        raise _cut(path, offset + 2 * BLOCK, offset + blocks * BLOCK)
