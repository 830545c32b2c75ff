"""The file that a table of photographs means by a name."""

import os
from collections.abc import Iterable
from pathlib import Path

from streetclip.errors import SampleError
from streetclip.manifest.folder import find_photographs, photographs_in

MOST_SURPLUS = 10_000
"""A table that names few photographs of many would fill its shard set's list with the others."""


class Finder:
    """Finds the file that a table names, below one folder and nowhere else.

    Args:
        folder: Where the photographs lie.
        by_id: A name that is no path from there is looked for in all subfolders, with or without
            its ending.
    """

    def __init__(self, folder: Path, *, by_id: bool) -> None:
        self._folder = os.path.abspath(folder)  # noqa: PTH100 (links must stay as they are)
        self._by_id = by_id
        self._paths: dict[str, list[Path]] | None = None

    def check(self, name: str) -> None:
        """Refuses names that lead out of the folder, before anything else is looked at.

        Args:
            name: As the table has it.

        Raises:
            SampleError: ``not_a_file`` or ``path_outside_folder``.
        """
        if "://" in name:
            raise SampleError("not_a_file", "photographs must be files beside the table")
        if os.path.commonpath([self._folder, self._join(name)]) != self._folder:
            raise SampleError("path_outside_folder", "lie the table above its photographs")

    def find(self, name: str) -> str:
        """The absolute path of a photograph.

        Args:
            name: As the table has it.

        Raises:
            SampleError: ``missing_file`` or ``ambiguous_file``.
        """
        path = self._join(name)
        if os.path.isfile(path):  # noqa: PTH113 (a Path for each of millions of rows is slow)
            return path
        if not self._by_id:
            raise SampleError("missing_file", path)
        found = self._named(Path(name).name)
        if not found:
            raise SampleError("missing_file", f"nothing of this name below {self._folder}")
        if len(found) > 1:
            raise SampleError("ambiguous_file", ", ".join(str(path) for path in found[:3]))
        return str(found[0])

    def surplus(self, used: Iterable[str], refused: Iterable[str]) -> tuple[str, ...]:
        """Photographs on the disk that nobody asked for.

        Of a table that names paths these are looked for in the folders that it names only: other
        photographs below the table may be anything.

        Args:
            used: Absolute paths of photographs that the table names.
            refused: What the table calls those that cannot be used.

        Returns:
            Paths seen from the folder, in order; beyond `MOST_SURPLUS` their number.
        """
        known, named = set(used), {Path(name).name for name in refused}
        if self._by_id:
            there = [str(path) for path in find_photographs(Path(self._folder))]
        else:
            folders = sorted({os.path.dirname(path) for path in known})  # noqa: PTH120 (as above)
            there = [str(path) for folder in folders for path in photographs_in(Path(folder))]
        names = [
            os.path.relpath(path, self._folder)
            for path in there
            if path not in known and named.isdisjoint((Path(path).name, Path(path).stem))
        ]
        if len(names) > MOST_SURPLUS:
            names[MOST_SURPLUS:] = [f"and {len(names) - MOST_SURPLUS:,} more"]
        return tuple(names)

    def _join(self, name: str) -> str:
        return os.path.normpath(os.path.join(self._folder, name))  # noqa: PTH118 (as above)

    def _named(self, name: str) -> list[Path]:
        if self._paths is None:
            self._paths = {}
            for path in find_photographs(Path(self._folder)):
                for key in {path.name, path.stem}:
                    self._paths.setdefault(key, []).append(path)
        return self._paths.get(name, [])
