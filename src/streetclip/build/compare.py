"""From the words of `streetclip compare` to comparisons, one a set of photographs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streetclip.errors import InputError
from streetclip.evaluation.alignment import ResultFolder, by_set, different_sets
from streetclip.evaluation.comparison import Comparison, compare
from streetclip.evaluation.result import RESULTS_FILE, read_result

# Fewer draws say little about the ends of a 95 % interval.
LEAST_RESAMPLES = 100


@dataclass(frozen=True)
class Compared:
    """What the results of one call give.

    Args:
        comparisons: One a set of photographs.
        left_out: Results in a folder of several that share their photographs with no other, one
            sentence each.
    """

    comparisons: tuple[Comparison, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Given:
    """A result folder that a word of the user means."""

    path: Path
    name: str
    within: Path | None


def compare_folders(
    words: Sequence[str],
    *,
    baseline: str | None = None,
    common: bool = False,
    resamples: int = 10_000,
    seed: int = 0,
) -> Compared:
    """Compare result folders.

    Args:
        words: Result folders, folders with several of them inside, or ``NAME=FOLDER`` to say what
            a result is called.
        baseline: Which result the others are compared with; None compares all with each other.
        common: Whether results whose sets share only some photographs are compared on these.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        One comparison a set.

    Raises:
        InputError: There are fewer than two results, one is given twice, or no baseline is meant.
        ResultError: A folder is no result, or results are on different photographs.
    """
    if resamples < LEAST_RESAMPLES:
        raise InputError("--resamples", got=resamples, allowed=f"{LEAST_RESAMPLES} or more")
    if seed < 0:
        raise InputError("--seed", got=seed, allowed="0 or more")
    given = [found for word in words for found in _find(word)]
    _refuse_twice(given)
    if len(given) < 2:
        names = ", ".join(str(found.path) for found in given)
        raise InputError("a comparison needs two results or more", got=names)
    folders = [_read(found) for found in given]
    sets = by_set(folders, common=common)
    left_out = _alone(sets, {found.path: found.within for found in given})
    tables = [members for members in sets if len(members) > 1]
    return Compared(
        tuple(
            compare(members, baseline=baseline, resamples=resamples, seed=seed)
            for members in tables
        ),
        left_out,
    )


def against_first(folders: Sequence[Path]) -> tuple[Comparison, ...]:
    """Compare the results of one benchmark: on each set the others with the first.

    Args:
        folders: Of finished results.

    Returns:
        One comparison for each set that has several results.
    """
    sets = by_set([_read(_Given(folder, "", None)) for folder in folders])
    return tuple(
        compare(members, baseline=str(members[0].path)) for members in sets if len(members) > 1
    )


def _find(word: str) -> list[_Given]:
    name, equals, rest = word.partition("=")
    # A folder may have an equals sign in its name.
    named = bool(equals) and bool(name) and not Path(word).exists()
    path = Path(rest if named else word)
    if (path / RESULTS_FILE).is_file() or not path.is_dir():
        return [_Given(path, name if named else "", None)]
    inside = sorted(file.parent for file in path.rglob(RESULTS_FILE))
    if named and len(inside) != 1:
        raise InputError(
            f"'{name}' would name all results in {path}",
            got=f"{len(inside)} results",
            remedy="name each: NAME=RESULT NAME=RESULT",
        )
    if not inside:
        return [_Given(path, "", None)]  # `read_result` says what is missing
    return [_Given(found, name if named else "", path) for found in inside]


def _refuse_twice(given: Sequence[_Given]) -> None:
    seen: dict[Path, Path] = {}
    for found in given:
        place = found.path.resolve()
        if place in seen:
            raise InputError(f"result {found.path} is given twice", got=f"also as {seen[place]}")
        seen[place] = found.path


def _read(found: _Given) -> ResultFolder:
    result = read_result(found.path)
    raw = (found.path / RESULTS_FILE).read_bytes()
    return ResultFolder(found.path, result, hashlib.sha256(raw).hexdigest(), found.name)


def _alone(
    sets: Sequence[Sequence[ResultFolder]], within: dict[Path, Path | None]
) -> tuple[str, ...]:
    """Say which results have nothing to be compared with.

    Raises:
        ResultError: The user has named such a result, or all results are such.
    """
    alone = [members[0] for members in sets if len(members) == 1]
    for folder in alone:
        if within[folder.path] is None or len(alone) == len(sets):
            # There are two results, so where one is alone there is another set.
            first, second, *_ = (members[0] for members in sets)
            raise different_sets(first, second if folder is first else folder)
    return tuple(
        f"{_inside(folder, within)} is the only result on its photographs "
        f"('{folder.result.set_name}') and is left out."
        for folder in alone
    )


def _inside(folder: ResultFolder, within: dict[Path, Path | None]) -> str:
    """A result by the folder of several that the user has named, wherever that lies."""
    outer = within[folder.path]
    if outer is None or not folder.path.is_absolute():
        return folder.shown
    return str(outer.name / folder.path.relative_to(outer))
