"""A run's folder: made once, never overwritten, and found again when the run was killed."""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streetclip.errors import CheckpointError, InputError
from streetclip.training.checkpoint_io import Newest, newest_whole
from streetclip.training.durable import write_text

STATUSES = ("running", "finished", "preempted", "failed")
"""What `status.json` says; a killed run still says `running`, but nobody holds its lock."""

_HELD: set[Path] = set()


class RunFolder:
    """Paths and state of one run, `runs/EXPERIMENT/NNN`.

    Args:
        path: The folder, which exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.status_file = path / "status.json"
        self.checkpoints = path / "checkpoints"
        self.evaluations = path / "evaluations"
        self._lock: int | None = None
        self._before: dict[str, Any] | None = None

    @classmethod
    def create(
        cls, root: Path, experiment: str, *, config: str, fingerprint: Mapping[str, Any]
    ) -> "RunFolder":
        """Make the next folder of an experiment and take it.

        Args:
            root: The folder of all runs.
            experiment: Name of the experiment.
            config: The resolved options as YAML.
            fingerprint: What must be equal for a run to be continued, plain values.
        """
        parent = root / experiment
        parent.mkdir(parents=True, exist_ok=True)
        number = max((int(p.name) for p in _runs(parent)), default=0)
        while True:
            number += 1
            path = parent / f"{number:03d}"
            with contextlib.suppress(FileExistsError):  # another run has just taken the number
                path.mkdir()
                break
        run = cls(path)
        run._take()
        write_text(run.config, config)
        run._write_status({"fingerprint": plain(fingerprint), "created": _now()}, "running")
        return run

    @classmethod
    def reopen(cls, path: Path) -> "RunFolder":
        """Take the folder of a run that is not running, to continue it.

        Raises:
            CheckpointError: There is no run in the folder, or its process lives.
        """
        run = cls(path)
        status = run.status()
        if status is None:
            raise CheckpointError(f"{path} is no run", allowed="a folder with a status.json")
        run._take()
        run._before = status
        run._write_status(status, "running")
        return run

    def status(self) -> dict[str, Any] | None:
        """What `status.json` says, or None if it is missing or unreadable."""
        try:
            status = json.loads(self.status_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return status if isinstance(status, dict) and status.get("status") in STATUSES else None

    def set_status(self, status: str, *, reason: str | None = None) -> None:
        """Say how the run stands.

        Args:
            status: One of `STATUSES`.
            reason: Why, for `failed` and `preempted`.
        """
        if status not in STATUSES:
            raise InputError("no such status", got=status, allowed=", ".join(STATUSES))
        self._write_status(self.status() or {}, status, reason)

    @property
    def was_reopened(self) -> bool:
        """Whether the run was there before this process."""
        return self._before is not None

    def leave_as_it_was(self) -> None:
        """Undo `reopen` where nothing could be continued, so that a finished run stays finished."""
        if self._before is not None:
            write_text(self.status_file, json.dumps(self._before, indent=2) + "\n")

    def newest_checkpoint(self) -> Newest:
        """The newest whole checkpoint, and those that were refused."""
        return newest_whole(self.checkpoints)

    def is_live(self) -> bool:
        """Whether a process on this machine, perhaps this one, holds the run."""
        if self.path.resolve() in _HELD:
            return True
        handle = self._open_lock()
        try:
            return not _lock(handle)
        finally:
            os.close(handle)

    def release(self) -> None:
        """Let go of the lock; the end of the process does so too."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            _HELD.discard(self.path.resolve())

    def _take(self) -> None:
        if self.is_live():
            holder = self.status() or {}
            raise CheckpointError(
                f"{self.path} is being written by a running process",
                got=f"process {holder.get('pid')} on {holder.get('host')}",
                remedy="wait until it ends, or end it",
            )
        # The handle stays open as long as the run: a lock of this kind ends with its process, and
        # loader processes that outlive a killed run for some seconds do not inherit it.
        self._lock = self._open_lock()
        _lock(self._lock)
        _HELD.add(self.path.resolve())

    def _open_lock(self) -> int:
        return os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)

    def _write_status(
        self, before: Mapping[str, Any], status: str, reason: str | None = None
    ) -> None:
        now = {"status": status, "reason": reason, "updated": _now()}
        where = {"pid": os.getpid(), "host": socket.gethostname()}
        text = json.dumps({**before, **now, **where}, indent=2)
        write_text(self.status_file, text + "\n")


@dataclass(frozen=True)
class Unfinished:
    """The run that `RESUME=auto` continues, or why there is none.

    Args:
        run: The newest run that fits, not taken yet; None if none does.
        checkpoint: Its newest whole checkpoint.
        passed_over: Newer runs and why each does not fit.
    """

    run: RunFolder | None
    checkpoint: Newest | None
    passed_over: tuple[tuple[Path, str], ...]

    def why(self) -> str:
        """One line a run that was passed over."""
        lines = [f"{path}: {reason}" for path, reason in self.passed_over]
        return "\n".join(lines) or "the experiment has no run yet"


def find_unfinished(root: Path, experiment: str, *, fingerprint: Mapping[str, Any]) -> Unfinished:
    """Find the newest run of an experiment that ended too early and would go on as the same run.

    Args:
        root: The folder of all runs.
        experiment: Name of the experiment.
        fingerprint: Of the run that wants to continue.
    """
    passed_over: list[tuple[Path, str]] = []
    for path in sorted(_runs(root / experiment), key=lambda p: int(p.name), reverse=True):
        run = RunFolder(path)
        reason = _obstacle(run, plain(fingerprint))
        newest = run.newest_checkpoint() if reason is None else Newest(None)
        if newest.path is not None:
            return Unfinished(run, newest, tuple(passed_over))
        passed_over.append((path, reason or _no_checkpoint(newest)))
    return Unfinished(None, None, tuple(passed_over))


def differences(ours: Any, theirs: Any, name: str = "") -> list[str]:
    """What differs between two fingerprints, one phrase each.

    Example:
        >>> differences({"seed": 1, "data": {"lanes": 4}}, {"seed": 1, "data": {"lanes": 8}})
        ['data.lanes is 4, not 8']
    """
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        keys = [*ours, *(k for k in theirs if k not in ours)]
        nested = (
            differences(ours.get(k), theirs.get(k), f"{name}.{k}" if name else str(k)) for k in keys
        )
        return [phrase for part in nested for phrase in part]
    return [] if ours == theirs else [f"{name} is {ours!r}, not {theirs!r}"]


def _obstacle(run: RunFolder, fingerprint: Any) -> str | None:
    status = run.status()
    if status is None:
        return "has no readable status.json"
    if status["status"] == "finished":
        return "is finished"
    if run.is_live():
        return f"is still running (process {status.get('pid')} on {status.get('host')})"
    differing = differences(status.get("fingerprint"), fingerprint)
    return f"is another run: {'; '.join(differing)}" if differing else None


def _no_checkpoint(newest: Newest) -> str:
    refused = "; ".join(f"{path.name}: {reason}" for path, reason in newest.refused)
    return f"has no whole checkpoint ({refused})" if refused else "has no checkpoint yet"


def _runs(parent: Path) -> Iterator[Path]:
    if parent.is_dir():
        yield from (p for p in parent.iterdir() if p.is_dir() and p.name.isdecimal())


def _lock(handle: int) -> bool:
    """Take the lock if nobody has it, and say whether that worked."""
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def plain(value: Any) -> Any:
    """As JSON gives it back: tuples become lists, keys become strings.

    Args:
        value: Of plain types.

    Example:
        >>> plain({1: (2, 3)})
        {'1': [2, 3]}
    """
    return json.loads(json.dumps(value))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
