"""What results are called in a comparison: short, and no two alike."""

from collections import Counter
from collections.abc import Sequence

from streetclip.errors import InputError
from streetclip.evaluation.alignment import ResultFolder


def labels(folders: Sequence[ResultFolder]) -> list[str]:
    """Name results by their models, and by what else tells them apart.

    Args:
        folders: Results of one comparison.

    Returns:
        The user's name where there is one; else the model, with protocol and decoding if models
        alone would not do, and with the end of the path if nothing else does.

    Raises:
        InputError: The user gives one name to two results.
    """
    given = [folder.name for folder in folders]
    names = [[folder.name or folder.result.model] for folder in folders]
    for attribute in ("protocol", "decoding"):
        values = [str(getattr(folder.result, attribute)) for folder in folders]
        if _repeated(names) and len(set(values)) > 1:
            for name, value, own in zip(names, values, given, strict=True):
                if not own:
                    name.append(value)
    joined = [", ".join(name) for name in names]
    repeated = {name for name, number in Counter(joined).items() if number > 1}
    alike = [i for i, name in enumerate(joined) if name in repeated and not given[i]]
    ends = _ends([folders[i] for i in alike])
    for i, end in zip(alike, ends, strict=True):
        joined[i] = f"{joined[i]} ({end})"
    twice = [name for name, number in Counter(joined).items() if number > 1]
    if twice:
        raise InputError(
            f"two results are called '{twice[0]}'", remedy="give each a name: NAME=RESULT"
        )
    return joined


def chosen(name: str, folders: Sequence[ResultFolder], called: Sequence[str]) -> int:
    """The result that a name means.

    Args:
        name: What a result is called, its model, its folder, or the last part of its folder.
        folders: Results of one comparison.
        called: From `labels`.

    Returns:
        Its position.

    Raises:
        InputError: It means none, or several.
    """
    meanings = [
        {label, folder.result.model, str(folder.path), folder.path.name}
        for label, folder in zip(called, folders, strict=True)
    ]
    # What a result is called belongs to it alone, whatever the others' folders are called.
    found = [i for i, label in enumerate(called) if label == name] or [
        i for i, names in enumerate(meanings) if name in names
    ]
    if len(found) != 1:
        raise InputError(
            f"--baseline {name} means {len(found)} results of set '{folders[0].result.set_name}'",
            allowed=", ".join(f"'{label}'" for label in called),
        )
    return found[0]


def _repeated(names: Sequence[Sequence[str]]) -> bool:
    return len({tuple(name) for name in names}) < len(names)


def _ends(folders: Sequence[ResultFolder]) -> list[str]:
    """The last parts of paths, as many as tell them apart."""
    parts = [folder.path.absolute().parts for folder in folders]
    longest = max((len(path) for path in parts), default=0)
    for number in range(1, longest + 1):
        ends = ["/".join(path[-number:]) for path in parts]
        if len(set(ends)) == len(ends):
            return ends
    return [str(folder.path) for folder in folders]
