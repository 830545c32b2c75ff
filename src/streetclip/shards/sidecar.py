"""The index beside a tar: where each sample's bytes lie, and their checksums.

Layout, little endian: a header of 24 bytes (magic, version, samples, bytes of keys, crc32 of all
that follows), one record of 36 bytes a sample, the keys in UTF-8 one after the other, then two
letters a sample for its country, or two zeros where it is unknown. Version 1 has no countries.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streetclip.errors import ShardError
from streetclip.shards.patience import patiently

SUFFIX = ".index"
_REMEDY = "run `streetclip shards index` on the folder"
_MAGIC = b"SCINDEX\0"
_WITHOUT_COUNTRIES, _WITH_COUNTRIES = 1, 2
_HEADER = struct.Struct("<8sIIII")
RECORD = np.dtype(
    [
        ("image_offset", "<u8"),
        ("metadata_offset", "<u8"),
        ("image_size", "<u4"),
        ("metadata_size", "<u4"),
        ("image_crc32", "<u4"),
        ("metadata_crc32", "<u4"),
        ("key_end", "<u4"),
    ]
)


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """The index of one tar.

    Args:
        records: One of `RECORD` a sample, in the order of the tar.
        keys: The keys' bytes, end to end; `key_end` of a record says where each ends.
        countries: ISO codes, two letters or two zeros a sample, end to end; None where the index
            was made before they were noted.
    """

    records: NDArray[Any]
    keys: bytes
    countries: bytes | None = None

    def __len__(self) -> int:
        return len(self.records)

    def key(self, sample: int) -> str:
        """The key of a sample.

        Args:
            sample: Position in the tar, from 0.

        Returns:
            The key.
        """
        start = int(self.records["key_end"][sample - 1]) if sample else 0
        return self.keys[start : int(self.records["key_end"][sample])].decode(errors="replace")

    def lies_within(self, size: int) -> bool:
        """Whether every member that the index names can lie in a tar.

        Args:
            size: Bytes of the tar.

        Returns:
            False where a reader would be sent beyond its end.
        """
        return all(self._part_lies_within(part, np.uint64(size)) for part in ("image", "metadata"))

    def _part_lies_within(self, part: str, size: np.uint64) -> bool:
        sizes = self.records[f"{part}_size"].astype(np.uint64)
        # The second comparison wraps around where the first one fails, which is why both must hold.
        fits = (sizes <= size) & (self.records[f"{part}_offset"] <= size - sizes)
        return bool(fits.all())


def sidecar_path(tar: Path) -> Path:
    """Where the index of a tar lies.

    Args:
        tar: ``000000.tar``.

    Returns:
        ``000000.tar.index``.
    """
    return tar.with_name(tar.name + SUFFIX)


def make_index(
    keys: Sequence[str],
    records: Sequence[tuple[int, ...]],
    countries: Sequence[str | None] | None = None,
) -> ShardIndex:
    """An index from plain values.

    Args:
        keys: One a sample.
        records: For each sample the fields of `RECORD` without the last.
        countries: ISO 3166-1 alpha-2, or None where unknown, one a sample; None notes none.

    Returns:
        The index.

    Example:
        >>> index = make_index(["a", "bc"], [(512, 1536, 9, 2, 1, 2), (2560, 3584, 9, 2, 3, 4)])
        >>> len(index), index.key(1)
        (2, 'bc')
    """
    encoded = [key.encode() for key in keys]
    ends = np.cumsum([len(key) for key in encoded], dtype="<u4")
    rows = [(*record, int(end)) for record, end in zip(records, ends, strict=True)]
    codes = None
    if countries is not None:
        codes = b"".join((country or "").encode().ljust(2, b"\0") for country in countries)
    return ShardIndex(np.array(rows, dtype=RECORD), b"".join(encoded), codes)


def encode_index(index: ShardIndex) -> bytes:
    """The bytes of an index file.

    Args:
        index: What to write.

    Returns:
        60 bytes a sample at most, besides its key.
    """
    version = _WITHOUT_COUNTRIES if index.countries is None else _WITH_COUNTRIES
    body = index.records.tobytes() + index.keys + (index.countries or b"")
    return _HEADER.pack(_MAGIC, version, len(index), len(index.keys), zlib.crc32(body)) + body


def read_index(path: Path) -> ShardIndex:
    """Reads and checks an index file.

    Args:
        path: The file beside the tar.

    Returns:
        The index.

    Raises:
        ShardError: The file is missing, damaged or of another version.
    """
    raw = patiently(path.read_bytes, f"index {path}", remedy=_REMEDY)
    return parse_index(raw, str(path))


def parse_index(raw: bytes, name: str) -> ShardIndex:
    """Checks the bytes of an index file.

    Args:
        raw: All of them.
        name: Path or URL of the file, for messages.

    Returns:
        The index.

    Raises:
        ShardError: They are damaged or of another version.
    """
    if len(raw) < _HEADER.size or not raw.startswith(_MAGIC):
        raise ShardError(f"{name} is no index of a shard", remedy=_REMEDY)
    _, version, samples, key_bytes, crc = _HEADER.unpack_from(raw)
    if version not in (_WITHOUT_COUNTRIES, _WITH_COUNTRIES):
        allowed = f"{_WITHOUT_COUNTRIES} or {_WITH_COUNTRIES}"
        raise ShardError(f"{name} is of another version", got=version, allowed=allowed)
    body = raw[_HEADER.size :]
    keys_begin = samples * RECORD.itemsize
    keys_end = keys_begin + key_bytes
    notes_countries = version == _WITH_COUNTRIES
    if len(body) != keys_end + 2 * samples * notes_countries or zlib.crc32(body) != crc:
        raise ShardError(f"index {name} is damaged", remedy=_REMEDY)
    records = np.frombuffer(body, RECORD, count=samples)
    countries = body[keys_end:] if notes_countries else None
    return ShardIndex(records, body[keys_begin:keys_end], countries)
