"""Protocol files as mappings: found by name or path, with what they extend and what a name adds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from streetclip.errors import ProtocolError
from streetclip.zeroshot.settings import DECODINGS

# Keys whose mappings are merged key by key with those of the file that is extended.
_MERGED = ("names", "cities", "regions", "distance", "beam", "expected", "defects")


@dataclass(frozen=True)
class Document:
    """What a protocol file holds.

    Args:
        name: Of the file, without its extension.
        content: A mapping if the file is right, and anything else if it is not.
        folder: Where a file that it names is looked for.
        source: What tells the file from every other.
    """

    name: str
    content: Any
    folder: Path
    source: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A protocol as a user may name it: ``NAME_OR_PATH[+DECODING][@TABLE]``.

    Args:
        base: Name or path.
        decoding: Takes the place of the file's own, if it is not None.
        table: A table of cities in place of the file's own, or None.
    """

    base: str
    decoding: str | None = None
    table: Path | None = None


def taken_apart(name: str) -> Asked:
    """Tell a protocol from the decoding and the table of cities that a name adds to it.

    Args:
        name: As the user gave it; the path of a file is never taken apart.

    Example:
        >>> taken_apart("reproduction+beam@worldcities.csv").decoding
        'beam'
        >>> taken_apart("paper")
        Asked(base='paper', decoding=None, table=None)
    """
    if Path(name).is_file():
        return Asked(name)
    base, _, table = name.partition("@")
    stem, _, decoding = base.rpartition("+")
    if stem and decoding in DECODINGS:
        return Asked(stem, decoding, Path(table) if table else None)
    return Asked(base, None, Path(table) if table else None)


def shipped_protocols() -> list[str]:
    """Names of the protocols that come with the package.

    Example:
        >>> shipped_protocols()
        ['paper', 'quickstart', 'reproduction', 'reproduction-us-states', 'streetclip']
    """
    folder = resources.files("streetclip.zeroshot") / "protocols"
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return sorted(name.removesuffix(".yaml") for name in names)


def read_document(name_or_path: str) -> Document:
    """Read a protocol file, and the files that it extends.

    Args:
        name_or_path: Name of a shipped protocol, or path of a YAML file.

    Returns:
        Its content over that of the files it extends: mappings are merged, all else is replaced.

    Raises:
        ProtocolError: A file is not there or is no YAML, or files extend each other in a circle.
    """
    return _extended(name_or_path, Path(), name_or_path, ())


def _extended(named: str, folder: Path, asked: str, below: tuple[str, ...]) -> Document:
    document = _read(named, folder, asked, "extends: " if below else "")
    content = document.content
    if document.source in below:
        raise ProtocolError(asked, [f"extends: '{named}' extends itself"])
    if not isinstance(content, dict) or content.get("extends") is None:
        return document
    parent = content["extends"]
    if not isinstance(parent, str):
        raise ProtocolError(asked, [f"extends: must name a protocol, not {parent!r}"])
    extended = _extended(parent, document.folder, asked, (*below, document.source))
    if not isinstance(extended.content, dict):
        raise ProtocolError(asked, [f"extends: '{parent}' is no mapping of keys"])
    own = {key: value for key, value in content.items() if key != "extends"}
    return replace(document, content=_merge(_with_paths(extended), own))


def _merge(parent: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(parent)
    before = parent.get("decoding", "greedy")
    if own.get("decoding", before) != before:
        # What the other decoding was told has no meaning for this one.
        merged = {key: value for key, value in merged.items() if key not in DECODINGS}
    for key, value in own.items():
        both = key in _MERGED and isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    return merged


def _with_paths(document: Document) -> dict[str, Any]:
    """Its content, with the files that it names where they lie."""
    content = dict(document.content)
    listed, cities = content.get("countries"), content.get("cities")
    if isinstance(listed, str) and listed != "all":
        content["countries"] = str(document.folder.absolute() / listed)
    if isinstance(cities, dict) and isinstance(cities.get("table"), str):
        table = document.folder.absolute() / cities["table"]
        content["cities"] = {**cities, "table": str(table)}
    return content


def _read(named: str, folder: Path, asked: str, key: str) -> Document:
    if named in shipped_protocols():
        entry = resources.files("streetclip.zeroshot") / "protocols" / f"{named}.yaml"
        name, source, text, home = named, named, entry.read_text(encoding="utf-8"), Path()
    else:
        path = folder / named
        if not path.is_file():
            raise ProtocolError(asked, [f"{key}{_not_found(named)}"])
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError(asked, [f"{key}it is not UTF-8: {error}"]) from error
        name, source, home = path.stem, str(path.resolve()), path.parent
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        raise ProtocolError(asked, [f"{key}it is no YAML: {error}"]) from error
    return Document(name, content, home, source)


def _not_found(name: str) -> str:
    close = get_close_matches(name, shipped_protocols(), 1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"no such file, and shipped are only {', '.join(shipped_protocols())}{hint}"


class _Loader(yaml.SafeLoader):
    """YAML in which Norway's code NO is text: only true and false are truth values."""


_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:bool" or letter in "tTfF"
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
