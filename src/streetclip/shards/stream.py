"""Samples of a tar that comes as a stream, told apart exactly as in the index of a shard set."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from streetclip.errors import SampleError, ShardError, TarError
from streetclip.shards.group import (
    MAX_IMAGE_BYTES,
    Group,
    group_members,
    image_and_metadata,
    is_part_of_a_sample,
)
from streetclip.shards.read import RawSample
from streetclip.shards.tar import Member, cut_short, walk_from

_PIECE_BYTES = 1 << 20


@runtime_checkable
class Stream(Protocol):
    """What can be read from beginning to end."""

    def read(self, size: int, /) -> bytes:
        """Up to as many bytes; none at the end."""


@dataclass(frozen=True)
class Streamed:
    """One sample of a stream, or what there is instead.

    Args:
        key: Of the sample, or name of a member that belongs to none; empty for an empty tar.
        outcome: The sample's bytes, or why there is none.
    """

    key: str
    outcome: RawSample | SampleError


def stream_samples(stream: Stream, name: str) -> Iterator[Streamed]:
    """The samples of a tar, in its order.

    Args:
        stream: An uncompressed tar.
        name: Its path or URL, for messages.

    Yields:
        Good samples, and everything that a shard set's index would list as rejected.

    Raises:
        ShardError: The tar is damaged, holds what no shard may hold, has a key twice, or cannot be
            read. The samples before that place were given already.
    """
    refused: list[Streamed] = []

    def refuse(member: str, reason: str, detail: str) -> None:
        if reason == "duplicate_key":
            raise ShardError(
                f"{name} holds {member!r} twice, or its key",
                got=detail,
                allowed="the members of a sample next to each other, each key once",
            )
        refused.append(Streamed(member, SampleError(reason, detail)))

    empty = True
    try:
        for group in group_members(_loaded(_Forward(stream), name), refuse):
            empty = False
            yield from refused
            refused.clear()
            yield Streamed(group.key, _outcome(group))
    except OSError as error:
        raise ShardError(f"{name} cannot be read to its end", got=error) from error
    if empty and not refused:
        refused.append(Streamed("", SampleError("empty_tar", "no member")))
    yield from refused


@dataclass(frozen=True, slots=True)
class _Loaded(Member):
    data: bytes


class _Forward:
    """Seeks in a stream that can only be read, forward only."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._position = 0

    def seek(self, offset: int, /) -> None:
        while self._position < offset and self.read(min(_PIECE_BYTES, offset - self._position)):
            pass

    def read(self, size: int, /) -> bytes:
        parts = []
        while size > 0 and (data := self._stream.read(min(_PIECE_BYTES, size))):
            parts.append(data)
            size -= len(data)
            self._position += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _loaded(file: _Forward, name: str) -> Iterator[_Loaded | TarError]:
    """Members with the bytes of photographs and JSON; others are passed over unread."""
    for member in walk_from(file, name):
        data = b""
        if is_part_of_a_sample(member.name) and member.size <= MAX_IMAGE_BYTES:
            file.seek(member.offset)
            data = file.read(member.size)
            if len(data) != member.size:
                raise cut_short(name, member.offset, needed=member.offset + member.size)
        yield _Loaded(member.name, member.offset, member.size, data)


def _outcome(group: Group[_Loaded]) -> RawSample | SampleError:
    try:
        image, metadata = image_and_metadata(group)
    except SampleError as error:
        return error
    return RawSample(group.key, image.data, metadata.data)
