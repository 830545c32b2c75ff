"""Room in a cache folder: what lies in it, what is on its way, and what has to go.

A finished file has a plain name. One that is on its way has two hidden ones: a partial file, and a
lock file that whoever fetches it holds locked and that says how many bytes it will need. Nothing
else in the folder is looked at, so that a folder named by mistake loses nothing.
"""

import re
import shutil
import time
from collections.abc import Iterable, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from streetclip.shards.locks import is_shared, release, try_lock
from streetclip.shards.transfer import part_of

_NAME = re.compile(r"(?:url-)?[0-9a-f]{64}")
OLD_PART_S = 7 * 24 * 3600.0
"""A partial file that nobody has gone on with for so long is deleted."""
_HIDDEN = re.compile(rf"\.({_NAME.pattern})\.(part|lock)")


@dataclass(frozen=True, slots=True)
class Item:
    """Something in a cache folder that takes room.

    Args:
        name: Of the file when it is whole.
        path: Where it lies.
        bytes: What it takes, or will take.
        here: What it takes already.
        used: When it was last opened or written, nanoseconds.
        is_moving: Whether a process is fetching it.
    """

    name: str
    path: Path
    bytes: int
    here: int
    used: int
    is_moving: bool = False


def lock_of(target: Path) -> Path:
    """The lock file of a file that is being fetched.

    Args:
        target: Where the file will lie.

    Example:
        >>> lock_of(Path("cache/000000.tar")).name
        '.000000.tar.lock'
    """
    return target.with_name(f".{target.name}.lock")


def survey(folder: Path) -> list[Item]:
    """What takes room in a cache folder; locks that killed processes have left are cleared away.

    Args:
        folder: The cache.

    Returns:
        Finished files, partial files, and transfers that have not written anything yet.
    """
    plain, parts, locks = _listed(folder)
    # Transfers go on meanwhile: a partial file gets its name, and then its lock is gone. Looked for
    # in this order, each is found at least once.
    moving: dict[str, int] = {}
    for name in locks:
        with suppress(FileNotFoundError):
            if (promised := _promise(lock_of(folder / name))) is not None:
                moving[name] = promised
    growing = _items(part_of(folder / name) for name in parts)
    items = _items(folder / name for name in plain | parts | locks)
    for name in items.keys() & growing.keys():
        if not growing[name].path.exists():  # It has got its name since it was looked at.
            del growing[name]
    for name, promised in moving.items():
        if name in items:
            items[name] = replace(items[name], is_moving=True)
            continue
        known = growing.get(name, Item(name, part_of(folder / name), promised, 0, 0))
        growing[name] = replace(known, bytes=max(promised, known.bytes), is_moving=True)
    return [*items.values(), *growing.values()]


def _listed(folder: Path) -> tuple[set[str], set[str], set[str]]:
    """Names of finished files, and of those that have a partial file, and a lock.

    Twice, because a file that gets another name while its folder is listed may be in that list with
    neither of them: then it is in the next one.
    """
    entries = {path.name for _ in range(2) for path in folder.iterdir()}
    found: dict[str, set[str]] = {"part": set(), "lock": set()}
    for entry in entries:
        if hidden := _HIDDEN.fullmatch(entry):
            found[hidden[2]].add(hidden[1])
    return {entry for entry in entries if _NAME.fullmatch(entry)}, found["part"], found["lock"]


def _items(paths: Iterable[Path]) -> dict[str, Item]:
    """Those of some files that are there, by the names that they have when they are whole."""
    items: dict[str, Item] = {}
    for path in paths:
        hidden = _HIDDEN.fullmatch(path.name)
        name = hidden[1] if hidden else path.name
        with suppress(FileNotFoundError):
            state = path.stat()
            items[name] = Item(name, path, state.st_size, state.st_size, state.st_mtime_ns)
    return items


@dataclass(frozen=True, slots=True)
class Shortage:
    """What is still missing after everything that may go is gone.

    Args:
        bytes: How many bytes do not fit; 0 where there is room.
        may_pass: Whether other transfers are running, whose files can go when they are whole.
    """

    bytes: int
    may_pass: bool


def make_room(folder: Path, needed: int, limit: int, *, own: str, keep: Set[str]) -> Shortage:
    """Deletes what was not used for longest until a file fits into the folder and on its disk.

    Partial files that are older than `OLD_PART_S` are deleted even if there is room.
    What some reader has open is deleted only after everything else: its reader can still read it,
    and the disk gets its room back when it is closed.

    Args:
        folder: The cache.
        needed: Bytes of the file.
        limit: Bytes that the folder may hold.
        own: Name of the file; what is there of it already is part of what it needs.
        keep: Names of files that must stay.

    Returns:
        What is still missing.
    """
    everything = [item for item in survey(folder) if not _is_forgotten(item, own)]
    items = [item for item in everything if item.name != own]
    held = sum(item.bytes for item in items)
    here = sum(item.here for item in everything)
    over = held + needed - min(limit, here + shutil.disk_usage(folder).free)
    # A file that has just been fetched is moving until whoever fetched it has opened it.
    moving = {item.name for item in items if item.is_moving}
    if over > 0:
        old = [item for item in items if item.name not in keep | moving]
        for item in sorted(old, key=lambda item: (is_shared(item.path), item.used)):
            if over <= 0:
                break
            if _delete(item):
                over -= item.bytes
            else:
                moving.add(item.name)
    return Shortage(max(over, 0), may_pass=bool(moving))


def _is_forgotten(item: Item, own: str) -> bool:
    """Whether it was an old partial file, and is gone now."""
    is_part = item.path.name != item.name
    age_s = time.time() - item.used / 1e9
    is_old = is_part and not item.is_moving and item.name != own and age_s > OLD_PART_S
    return is_old and _delete(item)


def _delete(item: Item) -> bool:
    """Whether it is gone; a partial file is deleted only if nobody is about to go on with it."""
    target = item.path.with_name(item.name)
    if item.path == target:
        target.unlink(missing_ok=True)
        return True
    handle = try_lock(lock_of(target))
    if handle is None:
        return False
    item.path.unlink(missing_ok=True)
    release(lock_of(target), handle)
    return True


def _promise(lock: Path) -> int | None:
    """How many bytes a transfer has asked for; None where its process is gone."""
    handle = try_lock(lock)
    if handle is not None:
        release(lock, handle)
        return None
    text = lock.read_text(encoding="ascii")
    return int(text) if text.isdigit() else 0
