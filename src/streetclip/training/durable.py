"""Files that survive a kill: replaced as a whole, or appended to and cut back to a known line."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path

from streetclip.errors import StorageError
from streetclip.shards.layout import sync_folder, write_whole

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


@contextmanager
def clear_about_the_disk(folder: Path) -> Iterator[None]:
    """Say it in words when something cannot be written.

    Args:
        folder: What was being written to.

    Raises:
        StorageError: Instead of an `OSError` of a full or read-only disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise StorageError(
            f"{folder} cannot be written; got: {error}; make room on the disk and resume: what was "
            "saved before is untouched"
        ) from error


def part_of(path: Path) -> Path:
    """Where a file is written before it gets its name: the same folder, hence the same disk.

    Example:
        >>> part_of(Path("runs/status.json")).name
        '.status.json.part'
    """
    return path.with_name(f".{path.name}.part")


def replace(part: Path, path: Path) -> None:
    """Give a finished file its name; whoever looks sees the old file or the new one.

    Args:
        part: The finished file, already fsynced.
        path: Its name, in the same folder.
    """
    part.replace(path)
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a small text file at once: old content or new, never half."""
    write_whole(path, text.encode())


class LineLog:
    """An append-only file of lines that a resumed run can cut back.

    Each line reaches the operating system before `append` returns, so the kill of a process loses
    none; `sync` guards against the loss of the machine too. Nothing is written before the first
    line, so that a rank that logs nothing leaves no file.

    Args:
        path: The file; lines that it holds already are kept.

    Example:
        >>> import tempfile
        >>> log = LineLog(Path(tempfile.mkdtemp()) / "log.txt")
        >>> log.append("a"), log.append("b"), log.rows
        (None, None, 2)
        >>> log.cut(1)
        >>> log.read()
        ['a']
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: int | None = None
        self._is_clean = False

    @property
    def name(self) -> str:
        """The name of the file, under which a checkpoint notes its number of rows."""
        return self.path.name

    @property
    def rows(self) -> int:
        """Complete lines in the file."""
        if self._rows is None:
            self._rows = len(self.read())
        return self._rows

    def read(self) -> list[str]:
        """All complete lines; what a kill left of an unfinished one is not among them."""
        if not self.path.exists():
            return []
        return self.path.read_bytes().decode("utf-8").split("\n")[:-1]

    def append(self, line: str) -> None:
        """Add one line, which must not contain a line break."""
        if not self._is_clean:
            self._end_cleanly()
        rows = self.rows
        with self.path.open("ab", buffering=0) as file:
            _write_all(file, f"{line}\n".encode())
        self._rows = rows + 1

    def cut(self, rows: int) -> None:
        """Keep the first so many lines; a file that has fewer keeps all."""
        self.rewrite(self.read()[:rows])

    def rewrite(self, lines: Sequence[str]) -> None:
        """Replace all lines at once."""
        if lines or self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.path, "".join(f"{line}\n" for line in lines))
        self._rows = len(lines)

    def sync(self) -> None:
        """Bring what was appended to the disk."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def _end_cleanly(self) -> None:
        """Drop an unfinished last line, which would grow together with the next one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and not self.path.read_bytes().endswith(b"\n"):
            self.rewrite(self.read())
        self._is_clean = True


def _write_all(file: RawIOBase, data: bytes) -> None:
    """On a disk that has become full, a write may take a part of the bytes without an error."""
    while data:
        data = data[file.write(data) or 0 :]
