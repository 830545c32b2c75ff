"""Tars that are damaged, odd, or an attack, and what has to become of each.

`BAD_TARS` lists them; each is made of four good samples that the test brings.
"""

import bz2
import gzip
import json
import lzma
import pickle
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.badthings.tarbytes import (
    BLOCK,
    Make,
    cut_at,
    data_of,
    end_mark,
    flipped_at,
    followed_by,
    header,
    header_of,
    inserted,
    member,
    members_of,
    ordered,
    packed,
    padded,
    pax,
    plain,
    renamed,
    tar_of,
    with_raw_name,
    with_size,
)

ALL = (0, 1, 2, 3)


@dataclass(frozen=True)
class BadTar:
    """One tar file.

    Args:
        name: What it is, as an id of a test.
        make: Its bytes, from four good samples.
        error: What the index and the resampled order say when they refuse the whole tar, as a
            regular expression; None where they take it.
        reason: Where it is refused: the code with which `verify` names the tar, or a place in it.
        kept: Positions of the good samples that the index has, or where it refuses, of those that
            `verify --clean` still finds.
        new_keys: Keys of good samples that have another one in this tar, by their positions.
        rejected: Where the tar is taken: reason codes of what is left out, by its name in the tar.
    """

    name: str
    make: Make
    error: str | None = None
    reason: str | None = None
    kept: tuple[int, ...] = ALL
    new_keys: Mapping[int, str] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)


class _Bomb:
    """Makes a file in the working folder when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (Path(BOMB_MARK),)


BOMB_MARK = "unpickled"
"""Name of the file that would appear in the working folder if any member were unpickled."""
BOMB = pickle.dumps(_Bomb())
_PICKLED = ("pkl", "pyd", "pth", "pickle", "mp", "npy")
_NAN = json.dumps({"latitude": float("nan"), "longitude": 2}).encode()


def _taken(name: str, make: Make, kept: tuple[int, ...] = ALL, **rejected: str) -> BadTar:
    return BadTar(name, make, kept=kept, rejected=rejected)


def _dotted(key: str) -> list[tuple[str, bytes]]:
    return [(f"{key}.jpg", b"a"), (f"{key}.json", b"{}")]


HANDLED = (
    BadTar("gnu-long-names", renamed("k" * 300), new_keys={1: "k" * 300}),
    BadTar("name-with-accents", renamed("rue/Été"), new_keys={1: "rue/Été"}),
    _taken("json-first", ordered(1, 0, 3, 2, 5, 4, 7, 6)),
    _taken("folder-entry", inserted(header("photos", kind=tarfile.DIRTYPE))),
    _taken("comment-for-all", inserted(pax(tarfile.XGLTYPE, comment="made here"))),
    _taken(
        "pickles-beside-photographs",
        lambda samples: tar_of(
            [
                part
                for sample in samples
                for part in (
                    *members_of([sample]),
                    *((f"{sample.key}.{kind}", BOMB) for kind in _PICKLED),
                )
            ]
        ),
    ),
    _taken(
        "pickles-alone", followed_by(*((f"bomb.{k}", BOMB) for k in _PICKLED)), bomb="no_image"
    ),
    BadTar(
        "no-json", ordered(0, 1, 2, 4, 5, 6, 7), kept=(0, 2, 3), rejected={"0001": "no_metadata"}
    ),
    BadTar(
        "no-image", ordered(0, 1, 3, 4, 5, 6, 7), kept=(0, 2, 3), rejected={"0001": "no_image"}
    ),
    _taken(
        "two-images",
        followed_by(("two.jpg", b"a"), ("two.png", b"b"), ("two.json", b"{}")),
        two="two_images",
    ),
    _taken(
        "empty-photograph", followed_by(("none.jpg", b""), ("none.json", b"{}")),
        none="bad_image_size",
    ),
    _taken(
        "long-json", followed_by(("long.jpg", b"a"), ("long.json", b" " * 70_000)),
        long="metadata_too_large",
    ),
    _taken("nan-in-json", followed_by(("nan.jpg", b"a"), ("nan.json", _NAN)), nan="bad_latitude"),
    BadTar(
        "dot-in-key",
        followed_by(*_dotted("48.85_2.35"), *_dotted("48.86_2.36")),
        rejected={name: "dot_in_key" for key in ("48.85_2.35", "48.86_2.36")
                  for name, _ in _dotted(key)},
    ),
    _taken("no-dot-in-name", followed_by(("README", b"hello")), README="no_key"),
    BadTar("hidden-file", followed_by(("._1.jpg", b"x")), rejected={"._1.jpg": "no_key"}),
    BadTar(
        "name-with-nul",
        inserted(pax(path="a\0b.jpg") + member("x.jpg")),
        rejected={"a\0b": "bad_key"},
    ),
    BadTar(
        "name-with-line-break",
        followed_by(("a\nb.jpg", b"x"), ("a\nb.json", b"{}")),
        rejected={"a\nb": "bad_key"},
    ),
    BadTar(
        "name-of-2000-letters",
        renamed("k" * 2000),
        kept=(0, 2, 3),
        rejected={"k" * 2000: "bad_key"},
    ),
    BadTar("empty-tar", lambda samples: tar_of([]), kept=(), rejected={"": "empty_tar"}),
)  # fmt: skip
"""Taken, with what cannot be used listed."""


def _cut(name: str, make: Make, kept: tuple[int, ...], words: str = "is cut short") -> BadTar:
    return BadTar(name, make, error=words, reason="cut_tar", kept=kept)


def _damaged(name: str, make: Make, kept: tuple[int, ...] = (1, 2, 3)) -> BadTar:
    return BadTar(name, make, error="has a damaged header", reason="damaged_tar", kept=kept)


def _forbidden(name: str, blocks: bytes, words: str) -> BadTar:
    return BadTar(name, inserted(blocks), error=words, reason="forbidden_member")


def _outside(name: str, blocks: bytes) -> BadTar:
    words = "leads out of the folder"
    return BadTar(name, inserted(blocks), error=words, reason="path_outside_folder")


def _twice(name: str, make: Make, kept: tuple[int, ...]) -> BadTar:
    return BadTar(name, make, error="twice, or its key", reason="duplicate_key", kept=kept)


def _of_kind(kind: bytes, **fields: str | int) -> bytes:
    return header("x.jpg", 0, kind, **fields)


REFUSED = (
    _cut("cut-at-member", cut_at(header_of(4)), (0, 1)),
    _cut("cut-in-header", cut_at(header_of(4), 100), (0, 1)),
    _cut("cut-in-data", cut_at(data_of(4), 100), (0, 1)),
    _cut("cut-between-photograph-and-json", cut_at(header_of(3)), (0,)),
    _cut("no-end-mark", cut_at(end_mark), ALL),
    _cut("half-an-end-mark", cut_at(end_mark, BLOCK), ALL),
    _cut("empty-file", lambda samples: b"", (), words="is empty"),
    _cut("huge-size", inserted(with_size(b"77777777777\0")), ALL),
    _cut("base-256-size", inserted(with_size(b"\x80" + b"\x7f" * 11)), ALL),
    _cut("pax-huge-size", inserted(pax(size="9" * 18) + member("x.jpg")), ALL),
    _damaged("negative-size", inserted(with_size(b"\xff" * 12))),
    _damaged("size-in-words", inserted(with_size(b"many bytes!\0"))),
    _damaged("flipped-name", flipped_at(header_of(2), 1), (2, 3)),
    _damaged("flipped-size", flipped_at(header_of(2), 130), (2, 3)),
    _damaged("flipped-checksum", flipped_at(header_of(5), 150), (0, 1, 3)),
    _damaged("html-page", lambda samples: b"<html>404</html>" + bytes(2000), ()),
    _damaged("photograph-named-tar", lambda samples: samples[0].image * 3, ()),
    _damaged("pax-size-in-words", inserted(pax(size="many"))),
    _damaged("pax-broken-record", inserted(header("x", 20, tarfile.XHDTYPE) + padded(b"9" * 20))),
    _damaged("pax-record-of-gigabytes", inserted(header("x", 1 << 31, tarfile.XHDTYPE))),
    _damaged("pax-record-about-nothing",
             lambda samples: (raw := plain(samples))[: end_mark(raw)]
             + pax(path="x.jpg") + raw[end_mark(raw) :], (0, 1, 2)),
    BadTar("garbage-after-end", lambda samples: plain(samples) + b"garbage" * 100,
           error="goes on after its end mark", reason="data_after_end"),
    BadTar("two-tars-in-one", lambda samples: plain(samples[:2]) + plain(samples[2:]),
           error="goes on after its end mark", reason="data_after_end"),
    BadTar("gzip", packed(gzip.compress), error="compressed with gzip", reason="compressed_tar",
           kept=()),
    BadTar("bzip2", packed(bz2.compress), error="compressed with bzip2", reason="compressed_tar",
           kept=()),
    BadTar("xz", packed(lzma.compress), error="compressed with xz", reason="compressed_tar",
           kept=()),
    _outside("name-above", member("../x.jpg")),
    _outside("name-above-inside", member("a/../../x.jpg")),
    _outside("absolute-name", member("/etc/x.jpg")),
    _outside("backslash-name", member("..\\x.jpg")),
    _outside("pax-name-above", pax(path="../../x.jpg") + member("x.jpg")),
    BadTar("latin-1-name", inserted(with_raw_name(b"M\xfcnchen.jpg")), error="not UTF-8",
           reason="bad_name"),
    _forbidden("symbolic-link", _of_kind(tarfile.SYMTYPE, linkname="/etc/passwd"), "symbolic link"),
    _forbidden("hard-link", _of_kind(tarfile.LNKTYPE, linkname="/etc/passwd"), "a hard link"),
    _forbidden("fifo", _of_kind(tarfile.FIFOTYPE), "a fifo"),
    _forbidden("character-device", _of_kind(tarfile.CHRTYPE, devmajor=1, devminor=3), "a device"),
    _forbidden("block-device", _of_kind(tarfile.BLKTYPE, devmajor=8), "a device"),
    _forbidden("sparse-file", _of_kind(tarfile.GNUTYPE_SPARSE), "a sparse file"),
    _forbidden("pax-sparse-file", pax(GNU__sparse__major="1"), "a sparse file"),
    _forbidden("pax-name-for-all", pax(tarfile.XGLTYPE, path="../x.jpg"), "renames or resizes all"),
    _forbidden("volume-label", _of_kind(b"V"), "of type b'V'"),
    _forbidden("folder-with-data", header("x", 3, tarfile.DIRTYPE) + padded(b"abc"),
               "a folder with data"),
    _twice("key-twice-side-by-side", ordered(0, 1, 0, 1, 2, 3), (0, 1)),
    _twice("key-twice-apart", ordered(0, 1, 2, 3, 0, 1), (0, 1)),
    _twice("keys-interleaved", ordered(0, 2, 1, 3, 4, 5), (2,)),
)  # fmt: skip
"""Refused as a whole by index and resampled order; `verify --clean` keeps what can be reached."""

FLIPPED_DATA = flipped_at(data_of(2), 300)
"""A bit of the second photograph: nothing in a tar shows it, only an index made before does."""

BAD_TARS = HANDLED + REFUSED
