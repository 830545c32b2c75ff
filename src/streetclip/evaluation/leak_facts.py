"""What a result says about leaks, as far as a report reads it, and whether it says it rightly."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.typed import fits

FACTS: Mapping[str, type] = MappingProxyType(
    {
        "train_digest": str,
        "max_meters": float,
        **dict.fromkeys(("photos", "pictures", "places", "train_photos", "max_bits"), int),
        **dict.fromkeys(("flat", "unreadable", "train_unreadable"), int),
    }
)
"""Names that every summary has, see `leaks.leak_summary`, and their types."""
WITHOUT = "values_without"
"""Name of the values without the photographs that training has seen; a summary may lack it."""


def leak_problems(leaks: Mapping[str, Any]) -> list[str]:
    """What a report could not say of a summary of leaks.

    Args:
        leaks: Of a result; empty where nobody has looked.

    Returns:
        One sentence a problem.

    Example:
        >>> leak_problems({"photos": "many"})[:2]
        ['leaks.train_digest is missing', 'leaks.max_meters is missing']
    """
    if not leaks:
        return []
    missing = [f"leaks.{name} is missing" for name in FACTS if name not in leaks]
    wrong = [
        f"leaks.{name} is {leaks[name]!r}, not {kind.__name__}"
        for name, kind in FACTS.items()
        if name in leaks and not fits(leaks[name], kind)
    ]
    return missing + wrong + _of_values(leaks.get(WITHOUT, {}))


def _of_values(values: Any) -> list[str]:
    if not fits(values, Mapping[str, Mapping[str, Any]]):
        return [f"leaks.{WITHOUT} is no mapping of names to values"]
    return [
        f"leaks.{WITHOUT}.{name} is {plain!r}, no estimate"
        for name, plain in values.items()
        if not fits(plain, Estimate)
    ]
