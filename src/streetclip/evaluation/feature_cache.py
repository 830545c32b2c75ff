"""A bounded folder of features, each file named by what it was computed from.

A file is a safetensors file with its facts as JSON inside and a digest over all of it. It appears
whole or not at all, and is compared with its digest when it is read; what is damaged is computed
again. Nothing else in the folder is looked at, so that a folder named by mistake loses nothing.
"""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from streetclip.errors import InputError
from streetclip.model.weights import digest_of
from streetclip.shards.cache import default_folder
from streetclip.shards.durable import sync_folder
from streetclip.shards.locks import alone, locked

DEFAULT_GIB = 20.0
OLD_PART_S = 24 * 3600.0
"""A partial file that was last written so long ago is what a killed process has left."""

_NAME = re.compile(r"[a-z]+-[0-9a-f]{64}\.safetensors")
_PART = re.compile(r"\.[a-z]+-[0-9a-f]{64}\.[0-9]+\.part")
_LOCK = ".lock"
_FACTS = "facts"
_OVERHEAD_BYTES = 4096
_REMEDY = "name another folder with --cache, or go without with --no-cache"

_log = logging.getLogger(__name__)


def feature_folder() -> Path:
    """Where features are kept if nobody says otherwise: beside the cache of files from URLs.

    Returns:
        `streetclip-features` in the user's cache folder.
    """
    return default_folder().with_name("streetclip-features")


def name_of(kind: str, facts: Mapping[str, Any]) -> str:
    """The name of what certain facts determine.

    Args:
        kind: A word in small letters, for people who look into the folder.
        facts: Plain values; every one of them changes the name.

    Example:
        >>> name_of("set", {"b": 1, "a": 2}) == name_of("set", {"a": 2, "b": 1})
        True
        >>> name_of("set", {"a": 1})[:8]
        'set-f9d8'
    """
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True)
class Kept:
    """What a file of the cache holds.

    Args:
        tensors: By name.
        facts: What JSON can hold.
    """

    tensors: dict[str, Tensor]
    facts: Any


class FeatureCache:
    """Features on disk; the least recently used make room. Several processes may use one folder.

    Args:
        folder: Made when something is first kept.
        limit_bytes: What it may hold.
    """

    def __init__(self, folder: Path, *, limit_bytes: int = int(DEFAULT_GIB * 2**30)) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._has_complained = False

    def check(self) -> None:
        """Find out before any work whether the folder can be used.

        Raises:
            InputError: It cannot be made or written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / _LOCK):
                pass
        except OSError as error:
            raise InputError(
                f"features cannot be kept in {self.folder}", got=error, remedy=_REMEDY
            ) from error

    def read(self, name: str) -> Kept | None:
        """What is kept under a name; from now on it counts as used.

        Args:
            name: From `name_of`.

        Returns:
            None where nothing is kept, or what is kept is damaged; then it is deleted.
        """
        path = self._path(name)
        if not path.exists():
            return None
        try:
            kept = _read(path, name)
        except (SafetensorError, OSError, ValueError, LookupError) as error:
            if path.exists():  # else it has made room for another command meanwhile
                _log.warning("%s is damaged (%s), and is computed again", path, error)
                with suppress(OSError):
                    path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return kept

    def write(self, name: str, tensors: Mapping[str, Tensor], facts: Any) -> bool:
        """Keep something. Where that is not possible the log says so, once, and work goes on.

        Args:
            name: From `name_of`; what was kept under it is replaced.
            tensors: By name, on any device.
            facts: What JSON can hold.

        Returns:
            Whether it is kept.
        """
        content = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        content[_FACTS] = _as_bytes(facts)
        needed = sum(tensor.nbytes for tensor in content.values()) + _OVERHEAD_BYTES
        if needed > self.limit_bytes:
            self._complain(f"{needed:,} bytes are more than it may hold; raise features.cache_gib")
            return False
        part = self.folder / f".{name}.{os.getpid()}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / _LOCK):
                self._make_room(needed)
                _save(content, part, name)
                part.replace(self._path(name))
                sync_folder(self.folder)
        except (OSError, SafetensorError) as error:
            self._complain(str(error))
            return False
        finally:
            with suppress(OSError):
                part.unlink()
        return True

    def drop(self, names: Sequence[str]) -> None:
        """Delete what is kept under some names.

        Args:
            names: From `name_of`; nothing happens where nothing is kept.
        """
        for name in names:
            with suppress(OSError):
                self._path(name).unlink()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Compute something in one command at a time; another waits, and then finds it kept.

        Args:
            name: From `name_of`.
        """
        lock = self.folder / f".{name}.lock"
        with alone(lock, lambda: _log.info("another command computes these features; waiting")):
            yield

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    def _make_room(self, needed: int) -> None:
        files = []
        for path in self._files():
            # Another command may have dropped it since it was listed.
            with suppress(FileNotFoundError):
                files.append((path.stat(), path))
        total = sum(state.st_size for state, _ in files)
        for state, path in sorted(files, key=lambda pair: pair[0].st_mtime_ns):
            if total + needed <= self.limit_bytes:
                return
            path.unlink(missing_ok=True)
            total -= state.st_size

    def _files(self) -> Iterator[Path]:
        """Finished files; what killed processes have left of others is deleted."""
        for path in self.folder.iterdir():
            if _NAME.fullmatch(path.name):
                yield path
            elif _PART.fullmatch(path.name):
                with suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > OLD_PART_S:
                        path.unlink()

    def _complain(self, reason: str) -> None:
        if not self._has_complained:
            _log.warning("features are not kept in %s: %s; going on without", self.folder, reason)
        self._has_complained = True


def _read(path: Path, name: str) -> Kept:
    with safe_open(path, framework="pt") as file:
        labels = file.metadata() or {}
        # `file` is no mapping, but an open file with a method of that name.
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    if labels.get("digest") != _digest(tensors, name):
        raise ValueError("its content is not what was written")
    raw = tensors.pop(_FACTS).numpy().tobytes()
    return Kept(tensors, json.loads(raw))


def _save(content: Mapping[str, Tensor], part: Path, name: str) -> None:
    # One label only: several would stand in another order each time.
    save_file(dict(content), part, metadata={"digest": _digest(content, name)})
    with part.open("rb") as file:
        os.fsync(file.fileno())


def _digest(content: Mapping[str, Tensor], name: str) -> str:
    """Of all tensors and of the name, so that a file under another name is no file."""
    return hashlib.sha256(f"{name} {digest_of(content)}".encode()).hexdigest()


def _as_bytes(facts: Any) -> Tensor:
    raw = json.dumps(facts, ensure_ascii=False, allow_nan=False).encode()
    return torch.from_numpy(np.frombuffer(raw, dtype=np.uint8).copy())
