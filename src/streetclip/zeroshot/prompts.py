"""Prompt patterns: text with slots, and brackets around what may be left out."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from streetclip.captions.filters import plain_text

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


def fill(pattern: str, values: Mapping[str, str], *, plain: bool = True) -> str:
    """Put names into a pattern; a bracketed part goes out where one of its names is empty.

    Args:
        pattern: Text with slots ``{name}`` and optional parts ``[...]``.
        values: A name for each slot, ``""`` where there is none.
        plain: Whether names are spelled as in captions: composed letters, ASCII quotes, dashes.

    Returns:
        The prompt.

    Example:
        >>> pattern = "A photo of {city}[ in the region of {region}] in {country}."
        >>> fill(pattern, {"city": "Delft", "region": "South Holland", "country": "NL"})
        'A photo of Delft in the region of South Holland in NL.'
        >>> fill(pattern, {"city": "Singapore", "region": "", "country": "Singapore"})
        'A photo of Singapore in Singapore.'
    """
    chosen = _OPTIONAL.sub(lambda match: _part(match[1], values), pattern)
    text = _SLOT.sub(lambda match: values[match[1]], chosen)
    return plain_text(text) if plain else text


def _part(text: str, values: Mapping[str, str]) -> str:
    return text if all(values[name] for name in _SLOT.findall(text)) else ""


def pattern_problems(
    pattern: str, *, allowed: Collection[str], required: Collection[str]
) -> list[str]:
    """Everything that is wrong with a pattern.

    Args:
        pattern: As the user wrote it.
        allowed: Names of slots that have a meaning here.
        required: Names of slots that must stand outside of brackets.

    Returns:
        One sentence a problem; none for a good pattern.

    Example:
        >>> pattern_problems("A photo in {contry}.", allowed=["country"], required=[])
        ["unknown slot '{contry}'; did you mean '{country}'?"]
    """
    problems = []
    for name in _SLOT.findall(pattern):
        if name not in allowed:
            near = get_close_matches(name, list(allowed), 1)
            hint = f"did you mean '{{{near[0]}}}'?" if near else f"allowed: {', '.join(allowed)}"
            problems.append(f"unknown slot '{{{name}}}'; {hint}")
    fixed = set(_SLOT.findall(_OPTIONAL.sub("", pattern)))
    problems += [f"no slot '{{{name}}}'" for name in required if name not in fixed]
    if re.search(r"[\[\]{}]", _SLOT.sub("", _OPTIONAL.sub(r"\1", pattern))):
        problems.append("its brackets or braces do not pair")
    return problems
