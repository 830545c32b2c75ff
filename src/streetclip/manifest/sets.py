"""Where the table and the photographs of a source lie, when the user names its path alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streetclip.errors import ManifestError
from streetclip.geo.countries import countries
from streetclip.manifest.folder import find_photographs
from streetclip.manifest.presets import PRESETS, Preset, has_columns, named_preset
from streetclip.manifest.table import TABLE_SUFFIXES, read_header

_META_FOLDERS = ("meta", "metadata")
# Of a set that has a part to train on, that part's table looks the same.
_TO_TRAIN_ON = "train"


@dataclass(frozen=True, slots=True)
class SetPlace:
    """The parts of a source.

    Args:
        table: The table, or None where folders tell everything.
        photographs: The folder that the names of photographs are looked for in.
    """

    table: Path | None
    photographs: Path


def find_set(source: Path, preset: str | None) -> SetPlace:
    """Looks for the table and the photographs of a source.

    Args:
        source: What the user gave: a folder or a table.
        preset: Name of the kind of source; None takes a folder as one of photographs, and a table
            with what lies beside it.

    Returns:
        Where they are; what the table says is not looked at yet.

    Raises:
        ManifestError: Something is not where it is expected; the message draws the tree.

    Example:
        >>> find_set(Path("absent"), "country211")
        Traceback (most recent call last):
        ...
        streetclip.errors.ManifestError: country211: no folder absent; expected:
          PATH/         the folder country211, its folder test, or what country211 lies in
            AD/*.jpg    100 photographs in each of 211 folders named by country code
            AE/*.jpg
    """
    if preset is None:
        return SetPlace(None, source) if source.is_dir() else SetPlace(source, source.parent)
    kind = named_preset(preset)
    if not source.exists():
        raise not_as_expected(preset, f"no {'file or ' if kind.forms else ''}folder {source}")
    if not kind.forms:
        return SetPlace(None, _folder_of_photographs(source, preset, kind))
    if not source.is_dir():
        above = source.parent
        base = above.parent if above.name in _META_FOLDERS else above
        return SetPlace(source, _beside(source, base, kind))
    table, base = _table_of(source, preset, kind)
    return SetPlace(table, _beside(table, base, kind))


def find_tars(source: Path, preset: str | None) -> Path | None:
    """The folder that holds ready WebDataset shards of a set, if the set is published as such.

    Args:
        source: What the user gave.
        preset: Name of the kind of source.

    Returns:
        The folder of the tars, or None where there are none.
    """
    if preset != "osv5m" or not source.is_dir():
        return None
    for folder in (source, source / "test"):
        if next(folder.glob("*.tar"), None) is not None:
            return folder
    return None


def not_as_expected(preset: str, what: str, *, got: str | None = None) -> ManifestError:
    """What to raise where a set does not lie as it should.

    Args:
        preset: Name of the kind of source.
        what: What is wrong.
        got: What was found.

    Returns:
        The error, with the tree that is expected.
    """
    tree = PRESETS[preset].tree
    return ManifestError(f"{preset}: {what}", got=got, remedy=f"expected:\n{tree}")


def _folder_of_photographs(source: Path, preset: str, kind: Preset) -> Path:
    if not source.is_dir():
        adjective = "of folders" if kind.country_folders else "of photographs"
        raise not_as_expected(
            preset, f"the preset is for a folder {adjective}, and {source} is a file"
        )
    if not kind.country_folders:
        return source
    folder = _first_folder(source, kind)
    photographs = find_photographs(folder)
    if not any(path.parent.name in countries() for path in photographs):
        raise not_as_expected(
            preset, f"no photographs in folders named by country in {folder}", got=_listing(source)
        )
    return folder


def _table_of(source: Path, preset: str, kind: Preset) -> tuple[Path, Path]:
    """The table, and the folder that its photographs lie below."""
    inside = [
        table
        for folder in (source, *(source / name for name in _META_FOLDERS))
        for table in _tables(folder, kind)
    ]
    beside = [
        table
        for table in _tables(source.parent, kind)
        if _is_called(table, (*kind.tables, source.name.casefold()))
    ]
    for found in (inside, beside):
        named = [table for table in found if _is_called(table, kind.tables)]
        if len(found) == 1 or len(named) == 1:
            return (named or found)[0], source
        if found:
            names = ", ".join(str(table) for table in found)
            raise not_as_expected(preset, f"several tables could be meant: {names}")
    raise not_as_expected(
        preset, f"no table of its photographs in {source} or beside it", got=_listing(source)
    )


def _tables(folder: Path, kind: Preset) -> Iterator[Path]:
    """Tables with the right columns that do not bear the name of something else."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in TABLE_SUFFIXES and path.is_file() and _fits(path, kind):
            yield path


def _fits(table: Path, kind: Preset) -> bool:
    others = [name for other in PRESETS.values() if other != kind for name in other.tables]
    is_ours = not kind.tables or _is_called(table, kind.tables)
    if not is_ours and _is_called(table, (*others, _TO_TRAIN_ON)):
        return False
    try:
        return has_columns(kind, read_header(table))
    except ManifestError:
        return False


def _is_called(table: Path, names: tuple[str, ...]) -> bool:
    """Whether the table's name is one of some names, or one of them and something behind a mark."""
    stem = table.stem.casefold()
    return any(
        stem == name or (stem.startswith(name) and not stem[len(name)].isalnum()) for name in names
    )


def _beside(table: Path, base: Path, kind: Preset) -> Path:
    """The folder of a table's photographs; a path of our own tables begins at the table."""
    if not kind.by_id:
        return table.parent
    return _first_folder(base, kind)


def _first_folder(base: Path, kind: Preset) -> Path:
    return next((base / name for name in kind.folders if (base / name).is_dir()), base)


def _listing(folder: Path) -> str:
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or (
        "an empty folder"
    )
