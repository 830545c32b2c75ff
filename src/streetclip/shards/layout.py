"""What a shard set is on disk: tars, an index beside each, and `shards.json` that names them."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from streetclip.errors import ShardError
from streetclip.shards.sidecar import sidecar_path

SHARDS_FILE = "shards.json"
VERSION = 1
SPLITS = ("train", "val", "all")


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """One tar of a shard set.

    Args:
        file: Name in the folder of the set.
        bytes: Size of the tar.
        sha256: Of the tar.
        samples: Samples that the index names.
        index_sha256: Of the index beside the tar.
    """

    file: str
    bytes: int
    sha256: str
    samples: int
    index_sha256: str


@dataclass(frozen=True)
class ShardSet:
    """A folder of tars that can be read sample by sample.

    Args:
        root: The folder.
        shards: Its tars, in order.
        digest: Of all tars and indices; two sets with the same digest are the same set.
        countries: Photographs per ISO code; those without a country are not counted.
        towns: Photographs per place, ``"CC/Region/Town"``.
        split: ``"train"``, ``"val"``, ``"all"``, or None for tars that were only indexed.
        options: How the set was built, as plain values.
    """

    root: Path
    shards: tuple[ShardEntry, ...]
    digest: str
    countries: Mapping[str, int]
    town_counts: Mapping[str, int] = field(repr=False)
    split: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(shard.samples for shard in self.shards)

    @property
    def samples_per_shard(self) -> tuple[int, ...]:
        """Samples in each tar, in order."""
        return tuple(shard.samples for shard in self.shards)

    @property
    def towns(self) -> frozenset[str]:
        """The places that the photographs show, ``"CC/Region/Town"``."""
        return frozenset(self.town_counts)

    def path(self, shard: int) -> Path:
        """Where a tar lies.

        Args:
            shard: Position in `shards`.

        Returns:
            Its path.
        """
        return self.root / self.shards[shard].file


def shard_set_digest(shards: Iterable[ShardEntry]) -> str:
    """The digest of a shard set from those of its files; where it lies does not matter.

    Args:
        shards: In order.

    Returns:
        64 hexadecimal digits.
    """
    lines = [f"{shard.sha256} {shard.index_sha256}\n" for shard in shards]
    return hashlib.sha256("".join(["streetclip shards 1\n", *lines]).encode()).hexdigest()


def is_shard_set(path: Path) -> bool:
    """Whether a folder is a shard set, or holds the splits of one.

    Args:
        path: Any path.

    Returns:
        True where `open_shard_set` has something to open.
    """
    return (path / SHARDS_FILE).is_file() or bool(available_splits(path))


def available_splits(path: Path) -> tuple[str, ...]:
    """The splits below a folder that `streetclip shards build` has written.

    Args:
        path: The folder given as OUT.

    Returns:
        Any of ``("train", "val", "all")``; nothing for a folder that is a shard set itself.
    """
    return tuple(name for name in SPLITS if (path / name / SHARDS_FILE).is_file())


def open_shard_set(path: Path, *, split: str | None = None, check_files: bool = True) -> ShardSet:
    """Opens a shard set and checks that its files are there in the right size.

    Args:
        path: A folder with `shards.json`, or one that holds ``train``, ``val`` or ``all``.
        split: Which of them; a set that was not split serves as ``train``. None takes the only one.
        check_files: False takes files that are missing or changed, for those who name them.

    Returns:
        The shard set; no tar is read yet.

    Raises:
        ShardError: Nothing to open, the split is missing, or files are missing or changed.
    """
    root = _find_root(path, split)
    shard_set = _load(root)
    own = shard_set.split
    if split is not None and own in ("train", "val") and own != split:
        raise ShardError(f"{path} is the {own} split", got=f"asked for {split}")
    if check_files:
        _check_files(shard_set)
    return shard_set


def write_shard_set(shard_set: ShardSet) -> None:
    """Writes `shards.json`, whole or not at all.

    Args:
        shard_set: Its `root` is the folder to write to.
    """
    content = {
        "version": VERSION,
        "digest": shard_set.digest,
        "split": shard_set.split,
        "samples": len(shard_set),
        "shards": [asdict(shard) for shard in shard_set.shards],
        "countries": dict(sorted(shard_set.countries.items())),
        "towns": dict(sorted(shard_set.town_counts.items())),
        "options": dict(shard_set.options),
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    write_whole(shard_set.root / SHARDS_FILE, text.encode())


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file beside its place, makes it durable, and moves it there in one step.

    Args:
        path: The file; what was there is replaced.
        data: Its content.
    """
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder durable.

    Args:
        folder: The folder.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _find_root(path: Path, split: str | None) -> Path:
    if (path / SHARDS_FILE).is_file():
        return path
    found = available_splits(path)
    if split is not None and split in found:
        return path / split
    if split in (None, "train") and found == ("all",):
        return path / "all"
    if found and split is None:
        if len(found) == 1:
            return path / found[0]
        raise ShardError(f"{path} holds several splits", got=", ".join(found), remedy="name one")
    if found:
        raise ShardError(
            f"{path} has no {split} split",
            got=", ".join(found),
            remedy="build it with a val_share above 0, or name another source for it",
        )
    raise _nothing_to_open(path)


def _nothing_to_open(path: Path) -> ShardError:
    if not path.is_dir():
        return ShardError(f"no shard set at {path}", got="no such folder")
    if next(path.glob("*.tar"), None) is not None:
        return ShardError(
            f"{path} holds tars without an index",
            remedy=f"run `streetclip shards index {path}` once, or set data.order=resampled",
        )
    return ShardError(
        f"{path} is no shard set",
        got=f"no {SHARDS_FILE} and no tar",
        remedy="make one with `streetclip shards build SOURCE OUT`",
    )


def _load(root: Path) -> ShardSet:
    path = root / SHARDS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ShardError(f"{path} is of another version", got=content["version"], allowed=1)
        shard_set = ShardSet(
            root,
            tuple(_entry(given, path) for given in content["shards"]),
            content["digest"],
            content["countries"],
            content["towns"],
            content["split"],
            content["options"],
        )
    except OSError as error:
        raise ShardError(f"{path} cannot be read", got=error) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ShardError(f"{path} cannot be read", got=repr(error)[:200]) from error
    if shard_set.digest != shard_set_digest(shard_set.shards):
        raise ShardError(
            f"{path} does not fit its own digest", remedy="build or index the shard set again"
        )
    return shard_set


def _entry(given: Mapping[str, Any], where: Path) -> ShardEntry:
    """One line of `shards.json`, which may come from anybody."""
    name = given["file"]
    if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\\0"):
        raise ShardError(f"{where} names {name!r} outside", allowed="names of files in its folder")
    for number in ("bytes", "samples"):
        value = given[number]
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ShardError(f"{where} has an impossible number for {name}", got=repr(value)[:100])
    return ShardEntry(**given)


def _check_files(shard_set: ShardSet) -> None:
    if not shard_set.shards:
        raise ShardError(f"{shard_set.root} is a shard set without samples")
    for number, shard in enumerate(shard_set.shards):
        path = shard_set.path(number)
        size = path.stat().st_size if path.is_file() else None
        if size != shard.bytes or not sidecar_path(path).is_file():
            raise ShardError(
                f"{path} or its index is missing or has changed",
                got="no such file" if size is None else f"{size} bytes",
                allowed=f"{shard.bytes} bytes and an index",
                remedy="build or index the shard set again",
            )
