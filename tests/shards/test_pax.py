"""What stands before a member about it is read strictly, or the tar is refused."""

import tarfile

import pytest
from tests.badthings.tarbytes import BLOCK, pax

from streetclip.errors import TarError
from streetclip.shards.pax import Extension, read_extension


def read(body: bytes, kind: bytes = tarfile.XHDTYPE, known: Extension | None = None) -> Extension:
    return read_extension(known or Extension(), body, kind, "a.tar", 1024)


def test_names_and_sizes_are_taken_and_the_rest_is_passed_over() -> None:
    body = pax(path="a/\u00fc.jpg", size="17", mtime="1234.5", comment="path=x")[BLOCK:]
    assert read(body) == Extension("a/\u00fc.jpg", 17)
    assert read(b"") == Extension()


def test_a_long_name_of_gnu_ends_at_its_first_zero() -> None:
    assert read(b"a" * 200 + b"\0more", tarfile.GNUTYPE_LONGNAME) == Extension("a" * 200)
    assert read(b"/etc/passwd\0", tarfile.GNUTYPE_LONGLINK) == Extension()


def test_records_add_up() -> None:
    known = read(b"a.jpg\0", tarfile.GNUTYPE_LONGNAME)
    assert read(pax(size="3")[BLOCK:], known=known) == Extension("a.jpg", 3)


@pytest.mark.parametrize(
    "body",
    [
        b"path=a.jpg\n",
        b"99 path=a.jpg\n",
        b"5 path=a.jpg\n",
        b"0 path=a.jpg\n",
        b"-1 path=a.jpg\n",
        b"14 path a.jpg\n",
        b"14 path=a.jpgX",
        b"9" * 6000 + b" path=a.jpg\n",
        b"12 size=-12\n",
        b"12 size=1e9\n",
        b"\xc2\xb2 size=1\n",
    ],
)
def test_a_damaged_record_is_refused(body: bytes) -> None:
    with pytest.raises(TarError, match=r"a\.tar has a damaged header at byte 1024") as refusal:
        read(body)
    assert (refusal.value.reason, refusal.value.offset) == ("damaged_tar", 1024)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (pax(path="x")[BLOCK:], tarfile.XGLTYPE, "forbidden_member"),
        (pax(size="1")[BLOCK:], tarfile.XGLTYPE, "forbidden_member"),
        (pax(GNU__sparse__map="0,1")[BLOCK:], tarfile.XHDTYPE, "forbidden_member"),
        (b"11 path=\xff\xfe\n", tarfile.XHDTYPE, "bad_name"),
        (b"M\xfcnchen.jpg\0", tarfile.GNUTYPE_LONGNAME, "bad_name"),
    ],
)
def test_what_readers_understand_differently_is_refused(
    body: bytes, kind: bytes, reason: str
) -> None:
    with pytest.raises(TarError, match=r"a\.tar holds .* byte 1024") as refusal:
        read(body, kind)
    assert refusal.value.reason == reason
