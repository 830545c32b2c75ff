"""Whether something can be written where the user wants it, found out before any work is done."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from streetclip.errors import InputError

NEW_FOLDER = "choose a new or empty folder"
"""What to do about a folder that holds something else."""


def check_new_folder(out: Path, option: str = "--out") -> None:
    """Refuse a folder that holds anything, or that cannot be made.

    Args:
        out: It need not exist.
        option: What the user calls it.

    Raises:
        InputError: It is a file, not empty, or nothing can be written there.
    """
    check_folder(out, option)
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{option} {out} is not empty", remedy=NEW_FOLDER)


def check_folder(out: Path, option: str = "--out") -> None:
    """Refuse a folder in which nothing can be written, whatever it holds.

    Args:
        out: It need not exist, and is not made.
        option: What the user calls it.

    Raises:
        InputError: A file is in the way, or nothing can be written there.
    """
    _check_place(f"{option} {out}", out.absolute(), NEW_FOLDER)


def _check_place(shown: str, out: Path, remedy: str) -> None:
    place = out
    # A link that leads nowhere is in the way too.
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise InputError(
            f"{shown} {'is a file' if place == out else f'lies below a file: {place}'}",
            remedy=remedy,
        )
    try:
        # Rights alone do not tell: not for root, nor on disks that are read-only or full of files.
        with tempfile.TemporaryDirectory(prefix=".streetclip-", dir=place):
            pass
    except OSError as error:
        raise InputError(
            f"{shown}: nothing can be written in {place}",
            got=error.strerror or error,
            remedy="choose a folder of your own, on a disk with room",
        ) from error


def check_file(path: Path, option: str, *, is_ours: Callable[[bytes], bool]) -> None:
    """Refuse a file that cannot be written, or that would take the place of something else.

    Args:
        path: It need not exist; its folder must.
        option: What the user calls it.
        is_ours: Whether a file that begins with these bytes, up to 4096, was written by an earlier
            call and may be replaced.

    Raises:
        InputError: It is a folder, somebody else's file, or its folder is missing or read-only.
    """
    if path.is_dir():
        raise InputError(f"{option} {path} is a folder", remedy=f"name a file as {option}")
    if not path.parent.exists():
        raise InputError(f"no such folder: {path.parent}", remedy=f"make it, or another {option}")
    _check_place(
        f"{option} {path}: {path.parent}", path.absolute().parent, f"name another {option}"
    )
    if os.path.lexists(path) and not is_ours(_beginning(path)):
        raise InputError(
            f"{option} {path} exists, and is no file that this command has written",
            remedy=f"name a new file as {option}, or move that one away",
        )


def _beginning(path: Path) -> bytes:
    """Nothing where it cannot be read, as of a link that leads nowhere."""
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError:
        return b""
