"""Ways in which a file is damaged after it was written."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

_LOCAL_HEADER_BYTES = 30
"""Of a member of a zip archive, before its name; the lengths of name and extra field end it."""


def cut(path: Path, *, missing_bytes: int) -> None:
    """Take bytes off the end of a file."""
    path.write_bytes(path.read_bytes()[: -missing_bytes or None])


def overwrite(path: Path, content: bytes) -> None:
    """Put something else into a file."""
    path.write_bytes(content)


def flip_bit(path: Path, bit: int) -> None:
    """Flip one bit of a file; a second time restores it.

    Args:
        path: The file.
        bit: Its number, counted from the beginning of the file.
    """
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ (1 << bit % 8)]))


def content_bits(path: Path, count: int, rng: np.random.Generator) -> list[int]:
    """Random bits of what the members of a zip archive hold.

    Args:
        path: The archive, whose members are not compressed.
        count: How many.
        rng: Chooses them, every byte of content with equal chance.
    """
    places = np.concatenate([np.arange(begin, end) for begin, end in _contents(path)])
    return [int(8 * rng.choice(places) + rng.integers(8)) for _ in range(count)]


def any_bits(path: Path, count: int, rng: np.random.Generator) -> list[int]:
    """Random bits of a file: content, padding, headers and directory."""
    return [int(bit) for bit in rng.integers(0, 8 * path.stat().st_size, count)]


def _contents(path: Path) -> list[tuple[int, int]]:
    """Where the content of each member begins and ends."""
    found = []
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for member in archive.infolist():
            file.seek(member.header_offset + _LOCAL_HEADER_BYTES - 4)
            lengths = np.frombuffer(file.read(4), "<u2")
            begin = member.header_offset + _LOCAL_HEADER_BYTES + int(lengths.sum())
            found.append((begin, begin + member.file_size))
    return found


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "empty": lambda path: overwrite(path, b""),
    "half": lambda path: cut(path, missing_bytes=path.stat().st_size // 2),
    "last_byte_missing": lambda path: cut(path, missing_bytes=1),
    "last_kib_missing": lambda path: cut(path, missing_bytes=1024),
    "zeros": lambda path: overwrite(path, bytes(path.stat().st_size)),
    "a_web_page": lambda path: overwrite(path, b"<html>503 Service Unavailable</html>\n"),
    "a_bit_flipped": lambda path: flip_bit(path, 8 * (path.stat().st_size // 2)),
    "first_byte_wrong": lambda path: flip_bit(path, 0),
}
"""Of the newest checkpoint of a run, by name."""
