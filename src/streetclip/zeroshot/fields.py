"""Readers of single values of a protocol file; each adds what is wrong to one list."""

from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any


class Problems(list[str]):
    """The problems of one file."""

    def at(self, key: str, text: str) -> None:
        """Add a problem.

        Args:
            key: What it belongs to, as the user wrote it.
            text: What is wrong.
        """
        self.append(f"{key}: {text}")


Reader = Callable[[str, Any, Problems], Any]


def near(word: str, known: Collection[str]) -> str:
    """A hint at what a word may have been meant to be.

    Args:
        word: As the user wrote it.
        known: What would be right.

    Example:
        >>> near("citties", ["cities", "names"]), near("x", ["cities", "names"])
        ("did you mean 'cities'?", 'known: cities, names')
    """
    close = get_close_matches(word, list(known), 1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"


def check_keys(
    given: Mapping[Any, Any], known: Collection[str], where: str, problems: Problems
) -> None:
    """Name every key that nobody reads.

    Args:
        given: A mapping of the file.
        known: The keys that it may have.
        where: What stands before its keys in messages, such as ``"cities."``.
        problems: Takes what is wrong.
    """
    for key in given:
        if key not in known:
            problems.append(f"unknown key '{where}{key}'; {near(str(key), known)}")


def text(key: str, value: Any, problems: Problems) -> str:
    """Words; line breaks become spaces."""
    if not isinstance(value, str):
        problems.at(key, f"must be text, not {value!r}")
    return " ".join(str(value).split())


def truth(key: str, value: Any, problems: Problems) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        problems.at(key, f"must be true or false, not {value!r}")
    return bool(value)


def whole(key: str, value: Any, problems: Problems) -> int:
    """A whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        problems.at(key, f"must be a whole number of 1 or more, not {value!r}")
        return 1
    return value


def whole_or_all(key: str, value: Any, problems: Problems) -> int | None:
    """A whole number of 1 or more, or ``all``, which is None."""
    if value == "all":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        problems.at(key, f"must be a whole number of 1 or more, or all, not {value!r}")
        return 1
    return value


def number(key: str, value: Any, problems: Problems) -> float:
    """A finite number of 0 or more."""
    # Written so that NaN, for which every comparison is false, is refused too.
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not 0 <= value < float("inf"):
        problems.at(key, f"must be a number of 0 or more, not {value!r}")
        return 0.0
    return float(value)


def radius(key: str, value: Any, problems: Problems) -> float:
    """A finite number above 0."""
    before = len(problems)
    read = number(key, value, problems)
    if read == 0 and len(problems) == before:
        problems.at(key, "must be more than 0")
    return read


def one_of(allowed: Sequence[str]) -> Reader:
    """A reader of one of several words.

    Args:
        allowed: The words.

    Returns:
        It gives back the word, also where it is wrong.
    """

    def read(key: str, value: Any, problems: Problems) -> str:
        if value not in allowed:
            problems.at(key, f"'{value}' is unknown; allowed: {', '.join(allowed)}")
        return str(value)

    return read


def section(readers: Mapping[str, Reader]) -> Reader:
    """A reader of a mapping whose own keys have readers.

    Args:
        readers: Keys to readers.

    Returns:
        It gives back what was given and is known; a key without a value is left out.
    """

    def read(key: str, value: Any, problems: Problems) -> dict[str, Any]:
        if not isinstance(value, dict):
            problems.at(key, f"must be a mapping of {', '.join(readers)}")
            return {}
        check_keys(value, readers, f"{key}.", problems)
        known = {name: item for name, item in value.items() if name in readers}
        return {
            name: readers[name](f"{key}.{name}", item, problems)
            for name, item in known.items()
            if item is not None
        }

    return read
