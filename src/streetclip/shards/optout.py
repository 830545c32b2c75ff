"""The list of photographs that must not be used, by key or by the digest of the file."""

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from streetclip.errors import ShardError

DIGEST_CHARS = 16
_KEY = re.compile(rf"[0-9]+_([0-9a-f]{{{DIGEST_CHARS}}})")
_DIGEST = re.compile(rf"[0-9a-f]{{{DIGEST_CHARS},64}}")


def make_key(number: int, sha256: str) -> str:
    """The key of a sample: a running number, and the beginning of its file's digest.

    Args:
        number: From 0.
        sha256: Of the file that the user gave, 64 hexadecimal digits.

    Returns:
        ``[0-9a-z_]+``.

    Example:
        >>> make_key(7, "ab" * 32)
        '00000007_abababababababab'
    """
    return f"{number:08d}_{sha256[:DIGEST_CHARS]}"


def read_opt_out(path: Path | None) -> frozenset[str]:
    """Reads a list of keys or digests, one a line; ``#`` begins a comment.

    Args:
        path: The list, or None for none.

    Returns:
        The first 16 hexadecimal digits of every digest: the part that stands in keys.

    Raises:
        ShardError: The file cannot be read, or a line is neither key nor digest.
    """
    if path is None:
        return frozenset()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ShardError(f"opt_out file {path} cannot be read", got=error) from error
    digests, wrong = set(), []
    for number, line in enumerate(lines, 1):
        entry = line.partition("#")[0].strip().lower()
        match = _KEY.fullmatch(entry)
        if match:
            digests.add(match[1])
        elif _DIGEST.fullmatch(entry):
            digests.add(entry[:DIGEST_CHARS])
        elif entry:
            wrong.append(f"line {number}: {entry[:80]!r}")
    if wrong:
        raise ShardError(
            f"opt_out file {path} has lines that are no key and no sha256",
            got="; ".join(wrong[:10]),
            allowed="00000007_0123456789abcdef, or the sha256 of the photograph's file",
        )
    return frozenset(digests)


def is_opted_out(sha256: str | None, opted_out: AbstractSet[str]) -> bool:
    """Whether a file is on the list.

    Args:
        sha256: Of the file, or None where it could not be read.
        opted_out: As `read_opt_out` returns it.

    Returns:
        True where it must not be used.
    """
    return sha256 is not None and sha256[:DIGEST_CHARS] in opted_out
