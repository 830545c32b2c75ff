"""What a tar says about its next member in a record before it: GNU long names and pax headers."""

import re
import tarfile
from dataclasses import dataclass, replace

from streetclip.errors import TarError

FETCH_AGAIN = "write or fetch it again"
_SIZE = re.compile(rb"[0-9]{1,19}")
# Records that change what a member is; one that all members share would change all of them.
_TELLING = frozenset({b"path", b"size", b"linkpath", b"hdrcharset"})
_SPARSE = b"GNU.sparse."


@dataclass(frozen=True, slots=True)
class Extension:
    """What records say about the member after them.

    Args:
        path: Its name, or None where its own header says it.
        size: Its bytes of data, or None where its own header says it.
    """

    path: str | None = None
    size: int | None = None


def read_extension(known: Extension, body: bytes, kind: bytes, tar: str, offset: int) -> Extension:
    """Adds what one record says to what is known of the next member.

    Args:
        known: From the records before it.
        body: The record's data.
        kind: The type of its header, as `tarfile` names it.
        tar: Name of the tar, for messages.
        offset: Of the record's header, in bytes.

    Returns:
        All that is known.

    Raises:
        TarError: The record is damaged, no UTF-8, or says what readers understand differently.
    """
    if kind == tarfile.GNUTYPE_LONGNAME:
        return replace(known, path=_text(body.split(b"\0", 1)[0], tar, offset))
    if kind == tarfile.GNUTYPE_LONGLINK:
        return known
    fields = dict(_records(body, tar, offset))
    if any(name.startswith(_SPARSE) for name in fields):
        raise _forbidden("a sparse file", tar, offset)
    if kind == tarfile.XGLTYPE:
        if fields.keys() & _TELLING:
            raise _forbidden("a record that renames or resizes all members", tar, offset)
        return known
    if (path := fields.get(b"path")) is not None:
        known = replace(known, path=_text(path, tar, offset))
    if (size := fields.get(b"size")) is not None:
        if not _SIZE.fullmatch(size):
            raise damaged_header(tar, offset, got=f"a pax record of size {size[:40]!r}")
        known = replace(known, size=int(size))
    return known


def damaged_header(tar: str, offset: int, *, got: str) -> TarError:
    """What to raise on a header or record that says nothing sensible.

    Args:
        tar: Name of the tar.
        offset: Of the header, in bytes.
        got: What it says.

    Returns:
        The error.
    """
    return TarError(
        "damaged_tar",
        f"{tar} has a damaged header at byte {offset}",
        offset=offset,
        got=got,
        remedy=FETCH_AGAIN,
    )


def _records(body: bytes, tar: str, offset: int) -> list[tuple[bytes, bytes]]:
    """The fields of a pax header, each written as ``LENGTH NAME=VALUE`` and a line break."""
    fields = []
    while body.strip(b"\0"):
        length, _, _ = body.partition(b" ")
        end = int(length) if _SIZE.fullmatch(length) else 0
        name, equals, value = body[len(length) + 1 : end].partition(b"=")
        if not (len(length) + 1 < end <= len(body) and equals and value.endswith(b"\n")):
            raise damaged_header(tar, offset, got=f"a pax record that begins {body[:40]!r}")
        fields.append((name, value[:-1]))
        body = body[end:]
    return fields


def _text(raw: bytes, tar: str, offset: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TarError(
            "bad_name",
            f"{tar} holds a name that is not UTF-8, at byte {offset}",
            offset=offset,
            got=raw[:100],
        ) from error


def _forbidden(kind: str, tar: str, offset: int) -> TarError:
    return TarError(
        "forbidden_member",
        f"{tar} holds {kind} at byte {offset}",
        offset=offset,
        allowed="plain files",
    )
