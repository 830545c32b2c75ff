"""The bytes of tars that no writer of tars would make."""

import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BLOCK = 512
Members = list[tuple[str, bytes]]


@dataclass(frozen=True)
class GoodSample:
    """A sample that every place takes.

    Args:
        key: Without a dot.
        image: JPEG.
        metadata: JSON.
    """

    key: str
    image: bytes
    metadata: bytes


Samples = Sequence[GoodSample]
Make = Callable[[Samples], bytes]
"""Makes the bytes of a tar of good samples."""
Place = Callable[[bytes], int]
"""Says where in a tar something happens."""


def members_of(samples: Samples) -> Members:
    """Names and bytes of the members of samples, in their order."""
    return [
        member
        for sample in samples
        for member in (
            (f"{sample.key}.jpg", sample.image),
            (f"{sample.key}.json", sample.metadata),
        )
    ]


def tar_of(members: Members, kind: int = tarfile.USTAR_FORMAT) -> bytes:
    """The bytes of a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def plain(samples: Samples) -> bytes:
    """A tar with which nothing is wrong."""
    return tar_of(members_of(samples))


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, **fields: str | int) -> bytes:
    """A header alone, with a right checksum, whatever it says."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def member(name: str, data: bytes = b"abc") -> bytes:
    """A header with its data."""
    return header(name, len(data)) + padded(data)


def padded(data: bytes) -> bytes:
    """Data and zeros up to a whole block."""
    return data + bytes(-len(data) % BLOCK)


def pax(kind: bytes = tarfile.XHDTYPE, **fields: str) -> bytes:
    """A pax header with its records; two underscores stand for a dot."""
    body = b""
    for name, value in fields.items():
        text = f" {name.replace('__', '.')}={value}\n".encode()
        length = len(text) + 1
        while len(str(length)) + len(text) != length:
            length += 1
        body += str(length).encode() + text
    return header("pax", len(body), kind) + padded(body)


def with_size(size: bytes) -> bytes:
    """A header that says its size in 12 bytes of its own."""
    block = header("x.jpg")
    return _signed(block[:124] + size + block[136:])


def with_raw_name(name: bytes) -> bytes:
    """A header whose name is any bytes."""
    return _signed(name.ljust(100, b"\0") + header("x.jpg")[100:])


def header_of(number: int) -> Place:
    """Where the header of a member of a plain tar begins."""
    return lambda raw: _members(raw)[number].offset


def data_of(number: int) -> Place:
    """Where the data of a member of a plain tar begin."""
    return lambda raw: _members(raw)[number].offset_data


def end_mark(raw: bytes) -> int:
    """Where the two blocks of zeros begin."""
    last = _members(raw)[-1]
    return last.offset_data + len(padded(bytes(last.size)))


def cut_at(place: Place, further: int = 0) -> Make:
    """A tar that ends some bytes after a place."""
    return lambda samples: (raw := plain(samples))[: place(raw) + further]


def flipped_at(place: Place, further: int) -> Make:
    """A tar with one bit turned over, some bytes after a place."""

    def make(samples: Samples) -> bytes:
        raw = bytearray(plain(samples))
        raw[place(bytes(raw)) + further] ^= 0x40
        return bytes(raw)

    return make


def inserted(blocks: bytes) -> Make:
    """A tar with blocks between its first and its second sample."""

    def make(samples: Samples) -> bytes:
        raw = plain(samples)
        at = header_of(2)(raw)
        return raw[:at] + blocks + raw[at:]

    return make


def followed_by(*members: tuple[str, bytes]) -> Make:
    """A tar with further members."""
    return lambda samples: tar_of(members_of(samples) + list(members))


def ordered(*order: int) -> Make:
    """A tar of some of its members, in another order, by their positions."""
    return lambda samples: tar_of([members_of(samples)[position] for position in order])


def renamed(key: str) -> Make:
    """A tar in which the second sample has another key."""

    def make(samples: Samples) -> bytes:
        first, second, *rest = samples
        second = GoodSample(key, second.image, second.metadata)
        return tar_of(members_of([first, second, *rest]), tarfile.PAX_FORMAT)

    return make


def packed(compress: Callable[[bytes], bytes]) -> Make:
    """A compressed tar."""
    return lambda samples: compress(plain(samples))


def _members(raw: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return tar.getmembers()


def _signed(block: bytes) -> bytes:
    """A header with its checksum made right again."""
    blank = block[:148] + b" " * 8 + block[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]
