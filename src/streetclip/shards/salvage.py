"""Reads what can still be read of a damaged tar, and says which places cannot."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from streetclip.errors import TarError
from streetclip.records import Rejection
from streetclip.shards.index import IndexedTar, index_members
from streetclip.shards.tar import BLOCK, Member, is_header, walk_from

_PIECE_BYTES = 2048 * BLOCK


def salvage_tar(tar: Path) -> IndexedTar:
    """The index of the samples that a damaged tar still holds.

    After a place that cannot be read, the search goes on for the next header with a right
    checksum. The sample before such a place is left out, because the damage may begin in it.

    Args:
        tar: An uncompressed tar, or what is left of one.

    Returns:
        Index, places, and what cannot be used: samples, and one entry for each damaged place.
    """
    places: list[TarError] = []
    found = index_members(tar, _remembered(salvage_members(tar), places))
    damages = [Rejection(tar.name, place.reason, str(place)) for place in places]
    rejections = [row for row in found.rejections if row.reason != "empty_tar" or not damages]
    return IndexedTar(found.index, found.places, damages + rejections)


def salvage_members(tar: Path) -> Iterator[Member | TarError]:
    """The members of a tar, with an error for each place that is none.

    Args:
        tar: An uncompressed tar, or what is left of one.

    Yields:
        Members and errors in the order of the tar; nothing else is raised for its content.
    """
    total = tar.stat().st_size
    offset: int | None = 0
    with tar.open("rb") as file:
        while offset is not None:
            try:
                yield from walk_from(file, str(tar), offset, total=total)
                offset = None
            except TarError as error:
                yield error
                offset = error.next_offset
                if offset is None:
                    offset = _next_header(file, error.offset + BLOCK)


def _next_header(file: BinaryIO, offset: int) -> int | None:
    file.seek(offset)
    while piece := file.read(_PIECE_BYTES):
        for start in range(0, len(piece) - BLOCK + 1, BLOCK):
            if is_header(piece[start : start + BLOCK]):
                return offset + start
        offset += len(piece)
    return None


def _remembered(
    members: Iterator[Member | TarError], places: list[TarError]
) -> Iterator[Member | TarError]:
    for member in members:
        if isinstance(member, TarError):
            places.append(member)
        yield member
