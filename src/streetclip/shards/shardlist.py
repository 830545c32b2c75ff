"""`shards.json` read back: every field is checked, because the file may come from anybody."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from streetclip.errors import ShardError
from streetclip.shards.codec import CODEC_OPTION, codec_line
from streetclip.shards.files import ShardEntry

VERSION = 1
_SPLITS = ("train", "val", "all")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")
_LONGEST_NAME_BYTES = 240
"""A file system takes 255, and the index has a longer name than its tar."""
_MOST_BYTES = 2**53
_MOST_SAMPLES = 2**31 - 1


@dataclass(frozen=True)
class ShardList:
    """What `shards.json` says; see `ShardSet` for the fields."""

    shards: tuple[ShardEntry, ...]
    digest: str
    countries: Mapping[str, int]
    town_counts: Mapping[str, int]
    split: str | None
    options: Mapping[str, Any]


def parse_list(raw: bytes, where: str) -> ShardList:
    """Reads and checks `shards.json`.

    Args:
        raw: The file.
        where: Its path or URL, for messages.

    Returns:
        Its content, in which every field is of its type and within its bounds.

    Raises:
        ShardError: It is not whole, of another version, or a field is wrong; the message names it.

    Example:
        >>> parse_list(b'{"version": 2}', "shards.json")
        Traceback (most recent call last):
        ...
        streetclip.errors.ShardError: shards.json is of another version; got: 2; allowed: 1
    """
    content = _object(raw, where)
    if content.get("version") != VERSION:
        raise ShardError(
            f"{where} is of another version", got=_brief(content.get("version")), allowed=VERSION
        )
    look = _Fields(where, content)
    shards = look("shards", _is_list, "a list of tars")
    found = ShardList(
        tuple(_entry(given, f"{where}: shards[{n}]") for n, given in enumerate(shards)),
        look("digest", _is_digest, _DIGEST_WORDS),
        look("countries", _are_counts, _COUNTS_WORDS),
        look("towns", _are_counts, _COUNTS_WORDS),
        look("split", lambda value: value is None or value in _SPLITS, f"{_SPLITS} or null"),
        look("options", _are_options, f"an object, in which {CODEC_OPTION} has texts alone"),
    )
    seen = set[str]()
    for shard in found.shards:
        if shard.file in seen:
            raise ShardError(
                f"{where} lists a tar twice", got=shard.file, allowed="each file name once"
            )
        seen.add(shard.file)
    if found.digest != shard_set_digest(found.shards, found.options):
        raise ShardError(
            f"{where} does not fit its own digest", remedy="build or index the shard set again"
        )
    return found


def shard_set_digest(shards: Iterable[ShardEntry], options: Mapping[str, Any] | None = None) -> str:
    """The digest of a shard set from those of its files; where it lies does not matter.

    Args:
        shards: In order.
        options: How the set was built; of them the names of decoder, resizer and encoder count.

    Returns:
        64 hexadecimal digits.
    """
    lines = [f"{shard.sha256} {shard.index_sha256}\n" for shard in shards]
    head = ["streetclip shards 1\n", codec_line(options or {})]
    return hashlib.sha256("".join([*head, *lines]).encode()).hexdigest()


class _Fields:
    """Takes fields of a JSON object, and names the one that is missing or wrong."""

    def __init__(self, where: str, given: Mapping[str, Any]) -> None:
        self._where = where
        self._given = given

    def __call__(self, name: str, is_right: Callable[[Any], bool], allowed: str) -> Any:
        if name not in self._given:
            raise ShardError(f"{self._where} has no field {name}", allowed=allowed)
        value = self._given[name]
        if not is_right(value):
            raise ShardError(
                f"{self._where} has a wrong field {name}", got=_brief(value), allowed=allowed
            )
        return value


def _object(raw: bytes, where: str) -> Mapping[str, Any]:
    """The JSON object of a file that is whole."""
    try:
        content = json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise ShardError(
            f"{where} is no whole JSON file",
            got=f"{raw[:40]!r}... ({_brief(str(error))})",
            remedy="check what lies there: it is damaged, cut off, or a page of the server",
        ) from error
    if not isinstance(content, Mapping):
        raise ShardError(f"{where} is no shards.json", got=_brief(content), allowed="an object")
    return content


def _entry(given: object, where: str) -> ShardEntry:
    if not isinstance(given, Mapping):
        raise ShardError(f"{where} is no tar", got=_brief(given), allowed="an object")
    known = {field.name for field in fields(ShardEntry)}
    if further := sorted(set(given) - known):
        raise ShardError(f"{where} has unknown fields", got=_brief(further), allowed=sorted(known))
    look = _Fields(where, given)
    return ShardEntry(
        file=look("file", _is_file_name, _NAME_WORDS),
        bytes=look("bytes", _is_count_below(_MOST_BYTES), f"0 to {_MOST_BYTES}"),
        sha256=look("sha256", _is_digest, _DIGEST_WORDS),
        samples=look("samples", _is_count_below(_MOST_SAMPLES), f"0 to {_MOST_SAMPLES}"),
        index_sha256=look("index_sha256", _is_digest, _DIGEST_WORDS),
    )


_DIGEST_WORDS = "64 hexadecimal digits in small letters"
_COUNTS_WORDS = "an object of names and whole numbers"
_NAME_WORDS = (
    f"names of files in its folder: no / or \\, no control characters, {_LONGEST_NAME_BYTES} bytes "
    "at most"
)


def _brief(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _is_count_below(most: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and 0 <= value <= most


def _is_text(value: object) -> bool:
    """Whether it can be written: JSON can hold halves of letters."""
    try:
        return isinstance(value, str) and len(value.encode()) >= 0
    except UnicodeEncodeError:
        return False


def _is_file_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and _is_text(value)
        and value not in ("", ".", "..")
        and _UNSAFE.search(value) is None
        and len(value.encode()) <= _LONGEST_NAME_BYTES
    )


def _are_counts(value: object) -> bool:
    is_count = _is_count_below(_MOST_BYTES)
    return isinstance(value, Mapping) and all(
        _is_text(name) and is_count(count) for name, count in value.items()
    )


def _are_options(value: object) -> bool:
    if not isinstance(value, Mapping) or not _is_text(json.dumps(value, ensure_ascii=False)):
        return False
    codec = value.get(CODEC_OPTION, {})
    return isinstance(codec, Mapping) and all(isinstance(name, str) for name in codec.values())
