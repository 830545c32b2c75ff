"""Finds a shard set below a path or a URL: it lies there itself, or one of its splits does."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from streetclip.errors import AbsentError, ShardError
from streetclip.shards.effort import Effort
from streetclip.shards.remote import RemoteFile, is_url, join_url, shown
from streetclip.shards.shardlist import parse_list
from streetclip.shards.transfer import fetch

SHARDS_FILE = "shards.json"
SPLITS = ("train", "val", "all")
_MAX_LIST_BYTES = 1 << 30


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


def remote_splits(url: str, effort: Effort) -> tuple[str, ...]:
    """The same below a URL.

    Args:
        url: Of the folder.
        effort: Time limits and tries.

    Raises:
        ShardError: The server does not answer.
    """
    lists = {name: read_list(join_url(url, name), effort) for name in SPLITS}
    return tuple(name for name, raw in lists.items() if raw is not None)


def places_of(place: Path | str, effort: Effort) -> list[tuple[Path | str, str]]:
    """Where a shard set lies, or each of its splits.

    Args:
        place: A folder or URL, whether there is a shard set or not.
        effort: Time limits and tries of a URL.

    Returns:
        A folder or URL, and what stands before the names of its tars in lists, such as
        ``"train/"``; the place itself and nothing where there are no splits.

    Raises:
        ShardError: The server does not answer.
    """
    found: list[tuple[Path | str, str]]
    if is_url(place):
        url = str(place)
        is_set = read_list(url, effort) is not None
        names = () if is_set else remote_splits(url, effort)
        found = [(join_url(url, name), f"{name}/") for name in names]
    else:
        folder = Path(place)
        names = () if (folder / SHARDS_FILE).is_file() else available_splits(folder)
        found = [(folder / name, f"{name}/") for name in names]
    return found or [(place, "")]


def find_root(path: Path, split: str | None) -> Path:
    """The folder of a shard set.

    Args:
        path: That folder, or one that holds splits.
        split: Which of them; None takes the only one.

    Raises:
        ShardError: There is nothing to open.
    """
    if (path / SHARDS_FILE).is_file():
        return path
    found = available_splits(path)
    if not found:
        raise _nothing_to_open(path)
    return path / choose_split(found, split, str(path))


def find_remote(url: str, split: str | None, effort: Effort) -> tuple[str, bytes]:
    """The URL of a shard set, and its list of shards as it is there now.

    Args:
        url: Of the set, or of a folder that holds splits.
        split: Which of them; None takes the only one.
        effort: Time limits and tries.

    Raises:
        ShardError: There is nothing to open, or the server does not answer.
    """
    raw = read_list(url, effort)
    if raw is not None:
        return url, raw
    lists = {name: read_list(join_url(url, name), effort) for name in SPLITS}
    found = {name: raw for name, raw in lists.items() if raw is not None}
    if not found:
        raise ShardError(
            f"no shard set at {shown(url)}",
            got=f"no {SHARDS_FILE}, there or in {', '.join(SPLITS)}, that may be read",
            remedy="upload a folder that `streetclip shards build` or `index` has made, or name "
            "its tars and set data.order=resampled",
        )
    name = choose_split(tuple(found), split, shown(url))
    return join_url(url, name), found[name]


def read_list(url: str, effort: Effort) -> bytes | None:
    """The list of shards at a URL, fresh.

    Args:
        url: Of a folder.
        effort: Time limits and tries.

    Returns:
        Its bytes, or None where there is none.

    Raises:
        ShardError: The server does not answer, or what it sends is no list, twice.
    """
    place = join_url(url, SHARDS_FILE)
    file = RemoteFile(place, check=lambda path: parse_list(path.read_bytes(), str(path)))

    def room(needed: int) -> None:
        if needed > _MAX_LIST_BYTES:
            raise ShardError(f"{shown(file.url)} is too large", allowed=f"{_MAX_LIST_BYTES} bytes")

    with TemporaryDirectory() as folder:
        target = Path(folder) / SHARDS_FILE
        try:
            fetch(file, target, effort=effort, room=room)
        except AbsentError:
            return None
        return target.read_bytes()


def choose_split(found: Sequence[str], split: str | None, where: str) -> str:
    """Which of the splits that are there is meant.

    Args:
        found: Names, one or more.
        split: The one that is asked for; None takes the only one.
        where: Path or URL, for the message.

    Raises:
        ShardError: It is not there, or nobody can tell.

    Example:
        >>> choose_split(["all"], "train", "shards/mine")
        'all'
    """
    if split in found:
        return str(split)
    if split in (None, "train") and list(found) == ["all"]:
        return "all"
    if split is not None:
        raise ShardError(
            f"{where} has no {split} split",
            got=", ".join(found),
            remedy="build it with a val_share above 0, or name another source for it",
        )
    if len(found) > 1:
        raise ShardError(f"{where} holds several splits", got=", ".join(found), remedy="name one")
    return found[0]


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
